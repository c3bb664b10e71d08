import type { Clock, Timers } from '@tallystick/core';

/** A clock and timers that stand still until they are moved. Callbacks run inside `advance`, each at its instant. */
export interface ManualTime extends Clock, Timers {
  advance(ms: number): void;
  /** Moves the wall clock alone, as NTP or an operator does. */
  jump(ms: number): void;
  /** Timers that wait. */
  readonly waiting: number;
}

/** The instant at which manual time begins. */
export const START_MS = Date.parse('2026-11-22T12:00:00.250Z');

export function manualTime(startMs = START_MS): ManualTime {
  let elapsedMs = 0;
  let offsetMs = startMs;
  const due = new Set<{ atMs: number; callback: () => void }>();
  return {
    nowMs: () => offsetMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    after(delayMs, callback) {
      const entry = { atMs: elapsedMs + Math.max(0, delayMs), callback };
      due.add(entry);
      return { cancel: () => void due.delete(entry) };
    },
    advance(ms) {
      const untilMs = elapsedMs + ms;
      for (;;) {
        const [first] = [...due].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs);
        if (!first) break;
        due.delete(first);
        elapsedMs = first.atMs;
        first.callback();
      }
      elapsedMs = untilMs;
    },
    jump(ms) {
      offsetMs += ms;
    },
    get waiting() {
      return due.size;
    },
  };
}
