import { ROOT_CONTEXT, trace, TraceFlags, type Context } from '@opentelemetry/api';
import type { Clock, IdentityObject, Traceparent } from '@tallystick/core';
import { ROUTES } from '@tallystick/protocol';
import { identityAttributes, type Instrument } from '@tallystick/telemetry';
import type { Attestation } from '../attest/attestor.ts';
import type { RecordRef } from '../record/record.ts';
import type { Outcome } from './request-span.ts';
import type { SidecarTelemetry } from './sidecar-telemetry.ts';
import { telemetryIdentity } from './telemetry-identity.ts';

/** What each route is for. */
const OPERATIONS: ReadonlyMap<string, string> = new Map([
  [ROUTES.metadata, 'discover'],
  [ROUTES.jwks, 'discover'],
  [ROUTES.token, 'get_credential'],
  [ROUTES.identity, 'connect'],
  [ROUTES.events, 'watch'],
  [ROUTES.leases, 'release_lease'],
  [ROUTES.revoke, 'revoke'],
  [ROUTES.introspect, 'introspect'],
]);

/**
 * Returns what makes the SERVER span of each request, with the identity of the workload that was recognised, and the
 * metrics and events that go with it.
 *
 * @param isNews Says whether an attestation is matched by this identity for the first time.
 */
export function createOtelRequests(
  scope: Instrument,
  clock: Pick<Clock, 'monotonicMs'>,
  isNews: (attestation: Attestation, identity: IdentityObject) => boolean,
): SidecarTelemetry['request'] {
  return (method, route, caller) => {
    const startMs = clock.monotonicMs();
    const operation = route === undefined ? undefined : OPERATIONS.get(route);
    const span = scope.startSpan(route === undefined ? method : `${method} ${route}`, {
      kind: 'server',
      parent: remoteParent(caller),
      attributes: {
        'http.request.method': method,
        'http.route': route,
        'network.transport': 'unix',
        'tallystick.operation.name': operation,
      },
    });
    let identity: IdentityObject | undefined;
    let outcome: Outcome | undefined;
    return {
      identify(sender, claimed) {
        identity = sender.identity;
        span.set({
          ...identityAttributes(
            telemetryIdentity(identity),
            claimed && { id: claimed.id, runId: claimed.run ?? undefined, ticket: claimed.ticket ?? undefined },
          ),
          'tallystick.attestation.assurance': sender.attestation.assurance,
        });
        if (!isNews(sender.attestation, identity)) return;
        const event = {
          'tallystick.identity.id': identity.id,
          'tallystick.attestation.assurance': sender.attestation.assurance,
        };
        scope.emit('tallystick.identity.attested', event, span.context);
      },
      decided(reached) {
        outcome = reached;
        scope.add('tallystick.policy.decisions', 1, {
          'tallystick.policy.decision': reached.decision,
          'tallystick.identity.kind': identity?.kind,
        });
        span.set({ 'tallystick.policy.decision': reached.decision });
        if (reached.decision === 'allow') {
          const released = { ...leaseAttributes(reached), 'tallystick.audit.record.id': reached.record.id };
          span.set({ ...released, ...recordAttributes(reached.record) });
          const event = { 'tallystick.identity.id': identity?.id, ...released };
          scope.emit('tallystick.credential.issued', event, span.context);
          return;
        }
        const { code, facts } = reached.denial;
        const denied = {
          'tallystick.credential.name': facts.credential ?? undefined,
          'tallystick.audit.record.id': facts.record?.id,
        };
        span.set({ ...denied, ...(facts.record && recordAttributes(facts.record)) });
        // What a flood suppressed is counted: an event for each would be a flood too.
        if (!facts.record) return;
        const event = { 'tallystick.identity.id': identity?.id, 'error.type': code, ...denied };
        scope.emit('tallystick.credential.denied', event, span.context);
      },
      end(status, refusal) {
        span.set({ 'http.response.status_code': status, 'error.type': refusal?.code });
        // A refusal is a normal outcome of a server: its own failures alone mark the span.
        if (refusal && status >= 500) span.fail(refusal);
        span.end();
        const credential = outcome?.decision === 'allow' ? outcome.lease.key.credential : undefined;
        scope.record('tallystick.server.request.duration', (clock.monotonicMs() - startMs) / 1000, {
          'tallystick.operation.name': operation,
          'tallystick.provider.name': credential?.provider,
          'tallystick.credential.type': credential?.type,
          'tallystick.policy.decision': outcome?.decision,
          'error.type': refusal?.code,
        });
      },
    };
  };
}

function remoteParent(caller: Traceparent | undefined): Context {
  if (!caller) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: caller.traceId,
    spanId: caller.spanId,
    traceFlags: caller.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
  });
}

function recordAttributes({ seq, origin }: RecordRef) {
  return { 'tallystick.audit.log.index': seq, 'tallystick.audit.log.origin': origin };
}

function leaseAttributes({ lease, source }: Outcome & { decision: 'allow' }) {
  const { id, key, issuedAtMs, expiresAtMs } = lease;
  return {
    'tallystick.lease.id': id,
    'tallystick.credential.name': key.credential.name,
    'tallystick.credential.type': key.credential.type,
    'tallystick.credential.source': source,
    'tallystick.credential.lifetime': (expiresAtMs - issuedAtMs) / 1000,
    'tallystick.provider.name': key.credential.provider,
  };
}
