import { ROOT_CONTEXT, trace, TraceFlags, type Context } from '@opentelemetry/api';
import { parseTraceparent, type Clock, type Traceparent } from '@tallystick/core';
import { identityAttributes, instrument } from '@tallystick/telemetry';
import { telemetryIdentity } from './telemetry-identity.ts';
import type { RequestTracing } from './request-span.ts';

/**
 * Returns tracing by the registered OpenTelemetry SDK: a SERVER span for each request, with the identity of the
 * attested workload, and the metrics and events that go with it.
 */
export function createOtelTracing(version: string, clock: Pick<Clock, 'monotonicMs'>): RequestTracing {
  const scope = instrument('@tallystick/sidecar', version);
  return {
    start(method, route, traceparent) {
      const caller = parseTraceparent(traceparent);
      const startMs = clock.monotonicMs();
      const span = scope.startSpan(`${method} ${route}`, {
        kind: 'server',
        parent: remoteParent(caller),
        attributes: {
          'http.request.method': method,
          'http.route': route,
          'network.transport': 'unix',
          'tallystick.operation.name': operation(route),
        },
      });
      let decision: 'allow' | 'deny' | undefined;
      let kind: string | undefined;
      let id: string | undefined;
      return {
        trace: caller ? { span_id: caller.spanId, trace_id: caller.traceId } : null,
        identify(identity, claimed) {
          ({ kind, id } = identity);
          span.set(
            identityAttributes(
              telemetryIdentity(identity),
              claimed && { id: claimed.id, runId: claimed.run ?? undefined, ticket: claimed.ticket ?? undefined },
            ),
          );
        },
        decided(outcome) {
          decision = outcome.decision;
          scope.add('tallystick.policy.decisions', 1, {
            'tallystick.policy.decision': decision,
            'tallystick.identity.kind': kind,
          });
          if (outcome.decision === 'deny') {
            span.set({
              'tallystick.policy.decision': 'deny',
              'tallystick.audit.record.id': outcome.recordId ?? undefined,
            });
            span.within(() =>
              scope.emit('tallystick.credential.denied', {
                'tallystick.identity.id': id,
                'error.type': outcome.code,
                'tallystick.audit.record.id': outcome.recordId ?? undefined,
              }),
            );
            return;
          }
          const { lease, record, source } = outcome;
          const facts = {
            'tallystick.lease.id': lease.id,
            'tallystick.credential.name': lease.key.credential.name,
            'tallystick.credential.type': lease.key.credential.type,
            'tallystick.credential.source': source,
            'tallystick.audit.record.id': record.id,
          } as const;
          span.set({
            ...facts,
            'tallystick.policy.decision': 'allow',
            'tallystick.provider.name': lease.key.credential.provider,
            'tallystick.audit.log.index': record.seq,
            'tallystick.audit.log.origin': record.origin,
          });
          span.within(() => scope.emit('tallystick.credential.issued', { 'tallystick.identity.id': id, ...facts }));
        },
        end(status, code) {
          // A refusal is a normal outcome of the sidecar: only its own failures mark the span.
          span.set({ 'http.response.status_code': status, ...(code !== undefined && { 'error.type': code }) });
          span.end();
          scope.record('tallystick.server.request.duration', (clock.monotonicMs() - startMs) / 1000, {
            'tallystick.operation.name': operation(route),
            'tallystick.policy.decision': decision,
            'error.type': code,
          });
        },
      };
    },
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

function operation(route: string): string {
  switch (route) {
    case '/token':
    case '/v1/credentials/':
      return 'get_credential';
    case '/v1/leases/':
      return 'release_lease';
    case '/revoke':
      return 'revoke';
    case '/introspect':
      return 'introspect';
    default:
      return 'connect';
  }
}
