import type { Clock } from '@tallystick/core';
import { wait } from './waits.ts';

/** Bounds how fast new credentials are made on one path: a login for each request of a defect is a storm upstream. */
export interface IssueRate {
  /** Milliseconds until one more may be made on a path; undefined: now. */
  waitMs(path: string): number | undefined;
  /** Counts one that is being made. */
  take(path: string): void;
}

/** The inputs of {@link createIssueRate}. */
export interface IssueRateOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly perMinute: number;
  /** How many at once, after a time without any. */
  readonly burst: number;
}

export function createIssueRate({ clock, perMinute, burst }: IssueRateOptions): IssueRate {
  const everyMs = 60_000 / perMinute;
  // The instant at which all that was taken has come in again: what lies ahead of now is in use.
  const fullAtMs = new Map<string, number>();
  let sweepAt = 1024;
  const sweep = (nowMs: number): void => {
    for (const [path, atMs] of fullAtMs) if (atMs <= nowMs) fullAtMs.delete(path);
    sweepAt = Math.max(1024, 2 * fullAtMs.size);
  };
  return {
    waitMs(path) {
      const overMs = (fullAtMs.get(path) ?? 0) + everyMs - clock.monotonicMs() - burst * everyMs;
      return overMs > 0 ? wait(overMs) : undefined;
    },
    take(path) {
      const nowMs = clock.monotonicMs();
      fullAtMs.set(path, Math.max(fullAtMs.get(path) ?? 0, nowMs) + everyMs);
      if (fullAtMs.size >= sweepAt) sweep(nowMs);
    },
  };
}
