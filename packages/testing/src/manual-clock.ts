import type { Clock, Timer, Timers } from '@tallystick/core';

/** A clock and timers that move only when told to. */
export interface ManualClock extends Clock, Timers {
  /**
   * Moves time forward and runs what becomes due, in its order, each at its own instant. Resolves when what those
   * callbacks started, as far as it takes no real time, has settled.
   */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock alone, as an operator or NTP does: timers and monotonic time do not notice. */
  setWall(ms: number): void;
}

interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Returns a manual clock that starts at `startMs` (default: now). */
export function createManualClock(startMs: number = Date.now()): ManualClock {
  let elapsedMs = 0;
  let wallOffsetMs = startMs;
  let order = 0;
  const due = new Set<Due>();

  const next = (untilMs: number): Due | undefined => {
    let first: Due | undefined;
    for (const entry of due) {
      if (entry.atMs > untilMs) continue;
      if (!first || entry.atMs < first.atMs || (entry.atMs === first.atMs && entry.order < first.order)) first = entry;
    }
    return first;
  };

  return {
    nowMs: () => wallOffsetMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    after(delayMs, callback): Timer {
      const entry = { atMs: elapsedMs + Math.max(0, delayMs), order: order++, callback };
      due.add(entry);
      return { cancel: () => due.delete(entry) };
    },
    async advance(ms) {
      if (!(ms >= 0)) throw new RangeError('"ms" must not be negative');
      const untilMs = elapsedMs + ms;
      await settle();
      for (let entry = next(untilMs); entry; entry = next(untilMs)) {
        due.delete(entry);
        elapsedMs = entry.atMs;
        entry.callback();
        await settle();
      }
      elapsedMs = untilMs;
      await settle();
    },
    setWall(ms) {
      wallOffsetMs = ms - elapsedMs;
    },
  };
}

// Captured at import: a user's fake timers must not stop the clock from moving.
const { setImmediate: soon } = globalThis;

/** Lets sockets of this process and promises that wait on them go on: a few turns of the event loop. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => soon(resolve));
}
