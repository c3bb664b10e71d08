import type { Clock } from '@tallystick/core';
import { KEPT_SECONDS } from '../state/standing.ts';

/**
 * Bounds how many single tokens of one identity stand on the revocation list, apart from what operators put there:
 * every API reads that list, and a workload that asks for tokens and lets go of them must not make it too long to read.
 */
export interface BarCap {
  /** True when one more token, which ends at `exp` (seconds since the epoch), may be listed now; and counts it. */
  take(identity: string, exp: number): boolean;
}

/** @param options `perIdentity`: default 1,000 lines, about 100 kB of the list. */
export function createBarCap({
  clock,
  perIdentity = 1000,
}: {
  clock: Pick<Clock, 'nowMs'>;
  perIdentity?: number;
}): BarCap {
  const ends = new Map<string, number[]>();
  return {
    take(identity, exp) {
      const oldest = clock.nowMs() / 1000 - KEPT_SECONDS;
      const listed = (ends.get(identity) ?? []).filter((end) => end >= oldest);
      const free = listed.length < perIdentity;
      if (free) listed.push(exp);
      ends.set(identity, listed);
      return free;
    },
  };
}
