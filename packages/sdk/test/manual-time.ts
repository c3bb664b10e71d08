import type { Clock, Timer, Timers } from '@tallystick/core';

/** Time that moves when a test says so. */
export interface ManualTime {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Moves both clocks, and runs what becomes due, in its order. */
  advance(ms: number): void;
  /** Moves the wall clock alone, as an operator or NTP does. */
  setWall(byMs: number): void;
  /** Timers that wait. */
  readonly pending: number;
}

export function manualTime(startMs = Date.parse('2026-11-22T12:00:00Z')): ManualTime {
  let monotonicMs = 1_000_000;
  let wallOffsetMs = startMs - monotonicMs;
  const waiting = new Set<{ dueMs: number; callback: () => void }>();
  const timers: Timers = {
    after(delayMs, callback): Timer {
      const timer = { dueMs: monotonicMs + Math.max(0, delayMs), callback };
      waiting.add(timer);
      return { cancel: () => void waiting.delete(timer) };
    },
  };
  return {
    clock: { nowMs: () => monotonicMs + wallOffsetMs, monotonicMs: () => monotonicMs },
    timers,
    get pending() {
      return waiting.size;
    },
    advance(ms) {
      const until = monotonicMs + ms;
      for (;;) {
        const next = [...waiting].filter(({ dueMs }) => dueMs <= until).sort((a, b) => a.dueMs - b.dueMs)[0];
        if (!next) break;
        waiting.delete(next);
        monotonicMs = Math.max(monotonicMs, next.dueMs);
        next.callback();
      }
      monotonicMs = until;
    },
    setWall(byMs) {
      wallOffsetMs += byMs;
    },
  };
}
