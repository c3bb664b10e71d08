import { TallystickError, type Clock } from '@tallystick/core';
import type { LeaseManager } from '../lease/lease-manager.ts';
import type { SidecarTelemetry } from './sidecar-telemetry.ts';

/** Returns `leases`, with telemetry of what is minted and rotated. */
export function observedLeases(
  leases: LeaseManager,
  telemetry: Pick<SidecarTelemetry, 'minted' | 'rotated' | 'rotationFailed'>,
  clock: Clock,
): LeaseManager {
  return {
    ...leases,
    async obtain(ask, maker) {
      const obtained = await leases.obtain(ask, {
        ...maker,
        async mint(request) {
          const startMs = clock.monotonicMs();
          const seconds = (): number => (clock.monotonicMs() - startMs) / 1000;
          try {
            const minted = await maker.mint(request);
            telemetry.minted(ask.key.credential, seconds());
            return minted;
          } catch (error) {
            // A workload that is asked to add something is no failure of the upstream.
            if (!TallystickError.is(error) || error.code !== 'upstream_proof_required') {
              telemetry.minted(ask.key.credential, seconds(), error);
            }
            throw error;
          }
        },
      });
      if (obtained?.replaced && clock.nowMs() < obtained.replaced.expiresAtMs) telemetry.rotated(obtained.replaced);
      if (obtained?.failure !== undefined) telemetry.rotationFailed(obtained.lease, obtained.failure);
      return obtained;
    },
  };
}
