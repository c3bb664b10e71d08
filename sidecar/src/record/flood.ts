import type { Clock, Timer, Timers } from '@tallystick/core';

/** Denials of one uid for one reason that are recorded one by one in a minute. */
export const DENIALS_PER_MINUTE = 20;

/** What to do with a denial: record it, open the suppression of this minute, or count it alone. */
export type FloodVerdict = 'record' | 'open' | 'count';

/** A suppression that has ended. */
export interface Suppression {
  readonly uid: number;
  readonly reason: string;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Refusals of one uid in one minute that never reached `authorize`. */
export interface RefusalSummary {
  readonly uid: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly firstMs: number;
  readonly lastMs: number;
}

/**
 * Keeps denials from filling the disk: decides which are recorded one by one and counts the rest, so that anyone on
 * the socket can cause a bounded number of bytes a minute.
 */
export interface FloodGate {
  /** Counts a denial by `authorize` and says how to record it. */
  denial(uid: number, reason: string): FloodVerdict;
  /** Counts a refusal before `authorize`. */
  refusal(uid: number, code: string): void;
  /** Ends every open minute now, for a stop. */
  flush(): void;
}

/** The inputs of {@link createFloodGate}. */
export interface FloodGateOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly onSuppressed: (suppression: Suppression) => void;
  readonly onRefused: (summary: RefusalSummary) => void;
}

/** The most uids that are told apart in a minute; those beyond share uid -1. */
const MAX_UIDS = 1024;

export function createFloodGate({ clock, timers, onSuppressed, onRefused }: FloodGateOptions): FloodGate {
  const denials = new Map<string, { uid: number; reason: string; seen: number; firstMs: number; lastMs: number }>();
  const refusals = new Map<number, { counts: Record<string, number>; firstMs: number; lastMs: number }>();
  let timer: Timer | undefined;

  const flush = (): void => {
    timer?.cancel();
    timer = undefined;
    for (const { uid, reason, seen, firstMs, lastMs } of denials.values()) {
      if (seen > DENIALS_PER_MINUTE) onSuppressed({ uid, reason, count: seen - DENIALS_PER_MINUTE, firstMs, lastMs });
    }
    for (const [uid, { counts, firstMs, lastMs }] of refusals) onRefused({ uid, counts, firstMs, lastMs });
    denials.clear();
    refusals.clear();
  };
  const arm = (): void => {
    timer ??= timers.after(60_000, flush);
  };

  return {
    denial(uid, reason) {
      arm();
      const nowMs = clock.nowMs();
      const own = `${uid} ${reason}`;
      const counted = denials.has(own) || denials.size < MAX_UIDS ? uid : -1;
      const key = `${counted} ${reason}`;
      let entry = denials.get(key);
      if (!entry) denials.set(key, (entry = { uid: counted, reason, seen: 0, firstMs: nowMs, lastMs: nowMs }));
      entry.seen++;
      entry.lastMs = nowMs;
      if (entry.seen === DENIALS_PER_MINUTE + 1) entry.firstMs = nowMs;
      return entry.seen <= DENIALS_PER_MINUTE ? 'record' : entry.seen === DENIALS_PER_MINUTE + 1 ? 'open' : 'count';
    },
    refusal(uid, code) {
      arm();
      const nowMs = clock.nowMs();
      const key = refusals.has(uid) || refusals.size < MAX_UIDS ? uid : -1;
      let entry = refusals.get(key);
      if (!entry) refusals.set(key, (entry = { counts: {}, firstMs: nowMs, lastMs: nowMs }));
      entry.counts[code] = (entry.counts[code] ?? 0) + 1;
      entry.lastMs = nowMs;
    },
    flush,
  };
}
