import type { Clock, Timer, Timers } from '@tallystick/core';
import type { KeyRotation, Signer } from './signer.ts';

/** How long a key signs: 30 days. */
export const KEY_PERIOD_MS = 30 * 86_400_000;
const CHECK_MS = 3_600_000;

/** The inputs of {@link startKeyRotation}. */
export interface KeyRotationOptions {
  /** Those whose keys grow old: what is asked again each hour. */
  readonly signers: () => readonly Pick<Signer, 'rotate' | 'currentSinceMs'>[];
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly timers: Timers;
  /** Records a rotation, before the new key signs anything. */
  readonly record: (rotation: KeyRotation) => Promise<unknown>;
  /** Told of a rotation that has happened. */
  readonly rotated: (rotation: KeyRotation) => void;
  /** Told of a rotation or a record that failed. The next hour tries again. */
  readonly failed: (error: unknown) => void;
}

/**
 * Rotates a key by itself once it has signed for {@link KEY_PERIOD_MS}, looked at every hour. Verifiers notice nothing:
 * the next key has been published since the rotation before, or the rotation fails until it is.
 */
export function startKeyRotation(options: KeyRotationOptions): { stop(): void } {
  const { signers, clock, timers } = options;
  let timer: Timer;
  let stopped = false;
  const check = async (): Promise<void> => {
    for (const signer of signers()) {
      try {
        const isDue = clock.nowMs() - signer.currentSinceMs() >= KEY_PERIOD_MS;
        if (isDue) options.rotated(await signer.rotate(options.record));
      } catch (error) {
        options.failed(error);
      }
    }
    if (!stopped) arm();
  };
  const arm = (): void => {
    timer = timers.after(CHECK_MS, () => void check());
  };
  arm();
  return {
    stop() {
      stopped = true;
      timer.cancel();
    },
  };
}
