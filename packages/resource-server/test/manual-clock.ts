import type { Clock, Timers } from '@tallystick/core';
import { NOW } from './issuer.ts';

/** Time that stands still until it is moved, with the timers that go with it. */
export interface ManualClock extends Clock, Timers {
  /** Moves both clocks, and runs what has become due. */
  advance(ms: number): void;
  /** Moves the wall clock alone. */
  jump(ms: number): void;
  /** How many timers wait. */
  readonly waiting: number;
}

export function manualClock(): ManualClock {
  let nowMs = NOW * 1000;
  let monotonicMs = 5_000;
  const waiting = new Set<{ dueMs: number; callback: () => void }>();
  return {
    nowMs: () => nowMs,
    monotonicMs: () => monotonicMs,
    after(delayMs, callback) {
      const timer = { dueMs: monotonicMs + delayMs, callback };
      waiting.add(timer);
      return { cancel: () => void waiting.delete(timer) };
    },
    advance(ms) {
      nowMs += ms;
      monotonicMs += ms;
      for (const timer of waiting) {
        if (timer.dueMs > monotonicMs) continue;
        waiting.delete(timer);
        timer.callback();
      }
    },
    jump(ms) {
      nowMs += ms;
    },
    get waiting() {
      return waiting.size;
    },
  };
}
