import type { Clock } from '@tallystick/core';
import type { Attestor } from '../attest/attestor.ts';
import type { SidecarTelemetry } from './sidecar-telemetry.ts';

/** Returns `attestor`, with telemetry of each time that it is asked. */
export function observedAttestor(
  attestor: Attestor,
  telemetry: Pick<SidecarTelemetry, 'attested'>,
  clock: Pick<Clock, 'monotonicMs'>,
): Attestor {
  const { name } = attestor;
  return {
    name,
    async attest(peer) {
      const startMs = clock.monotonicMs();
      const seconds = (): number => (clock.monotonicMs() - startMs) / 1000;
      try {
        const selectors = await attestor.attest(peer);
        telemetry.attested(name, seconds());
        return selectors;
      } catch (error) {
        telemetry.attested(name, seconds(), error);
        throw error;
      }
    },
  };
}
