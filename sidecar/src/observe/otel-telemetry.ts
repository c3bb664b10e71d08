import type { Clock, IdentityObject } from '@tallystick/core';
import { errorType, instrument } from '@tallystick/telemetry';
import type { Attestation } from '../attest/attestor.ts';
import type { Lease } from '../lease/lease.ts';
import { createOtelRequests } from './otel-request.ts';
import { recordEvent } from './record-event.ts';
import { releaseOf } from './release-of.ts';
import { rotationReason } from './rotation-reason.ts';
import type { SidecarTelemetry } from './sidecar-telemetry.ts';

/** Returns telemetry by the OpenTelemetry SDK that is registered: spans of requests, metrics and events. */
export function createOtelTelemetry(version: string, clock: Pick<Clock, 'monotonicMs'>): SidecarTelemetry {
  const scope = instrument('@tallystick/sidecar', version);
  // An attestation is made once for a connection, and goes with it.
  const known = new WeakMap<Attestation, IdentityObject | 'unmatched'>();
  const isNews = (attestation: Attestation, as: IdentityObject | 'unmatched'): boolean => {
    if (known.get(attestation) === as) return false;
    known.set(attestation, as);
    return true;
  };
  const rotation = ({ key, stale }: Lease) => ({
    'tallystick.provider.name': key.credential.provider,
    'tallystick.rotation.reason': rotationReason({ stale }),
  });
  return {
    request: createOtelRequests(scope, clock, isNews),
    attested(method, seconds, failure) {
      const type = failure === undefined ? undefined : errorType(failure);
      scope.record('tallystick.attestation.duration', seconds, {
        'tallystick.attestation.method': method,
        'error.type': type,
      });
      if (type !== undefined) scope.emit('tallystick.identity.attestation_failed', { 'error.type': type });
    },
    unmatched(attestation) {
      if (!isNews(attestation, 'unmatched')) return;
      scope.emit('tallystick.identity.attestation_failed', {
        'tallystick.attestation.assurance': attestation.assurance,
        'error.type': 'identity_unknown',
      });
    },
    minted({ provider, type }, seconds, failure) {
      scope.record('tallystick.credential.mint.duration', seconds, {
        'tallystick.provider.name': provider,
        'tallystick.credential.type': type,
        'error.type': failure === undefined ? undefined : errorType(failure),
      });
    },
    providerCall: ({ operation, provider, leaseId }, run) =>
      scope.clientSpan(
        `${operation}_credential ${provider}`,
        { 'tallystick.provider.name': provider, 'tallystick.lease.id': leaseId },
        run,
      ),
    rotated: (replaced) => scope.add('tallystick.credential.rotations', 1, rotation(replaced)),
    rotationFailed(held, failure) {
      const type = errorType(failure);
      scope.add('tallystick.credential.rotations', 1, { ...rotation(held), 'error.type': type });
      scope.emit('tallystick.credential.rotation_failed', {
        'tallystick.identity.id': held.key.identity,
        'tallystick.lease.id': held.id,
        'tallystick.credential.name': held.key.credential.name,
        'tallystick.provider.name': held.key.credential.provider,
        'error.type': type,
      });
    },
    recorded(input, record, seconds) {
      scope.record('tallystick.audit.append.duration', seconds, {});
      scope.add('tallystick.audit.records', 1, { 'tallystick.audit.record.type': input.type });
      const release = releaseOf(input);
      if (release) {
        scope.add('tallystick.credential.releases', 1, {
          'tallystick.credential.binding': release.binding,
          'tallystick.credential.delivery': release.delivery,
        });
      }
      recordEvent(scope, input, record);
    },
    notRecorded: (failure, seconds) =>
      scope.record('tallystick.audit.append.duration', seconds, { 'error.type': errorType(failure) }),
    recordEnded: (failure) => scope.emit('tallystick.audit.write_failed', { 'error.type': errorType(failure) }),
    checkpointPublished: ({ origin, size, root }) =>
      scope.emit('tallystick.audit.checkpoint.published', {
        'tallystick.audit.log.origin': origin,
        'tallystick.audit.log.size': size,
        'tallystick.audit.log.root': root,
      }),
    observe(census) {
      scope.observe('tallystick.identity.count', () =>
        census.identities().map(({ kind, state, count }) => ({
          count,
          attributes: { 'tallystick.identity.kind': kind, 'tallystick.identity.state': state },
        })),
      );
      scope.observe('tallystick.credential.active', () =>
        census.leases().map(({ provider, type, count }) => ({
          count,
          attributes: { 'tallystick.provider.name': provider, 'tallystick.credential.type': type },
        })),
      );
    },
  };
}
