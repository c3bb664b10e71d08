import type { Clock } from '@tallystick/core';

/** Bounds how many leases one path may be issued in a minute: a defect in a workload cannot become a storm upstream. */
export interface IssueCap {
  /** True when one more may be issued now, and counts it. */
  take(path: string): boolean;
}

export function createIssueCap({
  clock,
  perMinute,
}: {
  clock: Pick<Clock, 'monotonicMs'>;
  perMinute: number;
}): IssueCap {
  let minute = Number.NaN;
  const counts = new Map<string, number>();
  return {
    take(path) {
      const now = Math.floor(clock.monotonicMs() / 60_000);
      if (now !== minute) {
        minute = now;
        counts.clear();
      }
      const count = counts.get(path) ?? 0;
      if (count >= perMinute) return false;
      counts.set(path, count + 1);
      return true;
    },
  };
}
