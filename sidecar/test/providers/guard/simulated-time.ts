import type { Clock, Timers } from '@tallystick/core';

/** A clock that jumps from timer to timer, for thousands of parties over hours. */
export interface SimulatedTime extends Clock, Timers {
  /** Runs what is due, in order, and what follows from that, until an instant. */
  runUntil(ms: number): Promise<void>;
  /** Resolves after a while. */
  sleep(ms: number): Promise<void>;
}

interface Entry {
  readonly atMs: number;
  readonly callback: () => void;
  isCancelled: boolean;
}

export function simulatedTime(): SimulatedTime {
  // A binary heap: what is due first is at the top.
  const heap: Entry[] = [];
  let nowMs = 0;
  const before = (a: number, b: number): boolean => heap[a]!.atMs < heap[b]!.atMs;
  const swap = (a: number, b: number): void => {
    [heap[a], heap[b]] = [heap[b]!, heap[a]!];
  };
  const push = (entry: Entry): void => {
    let at = heap.push(entry) - 1;
    for (let up = (at - 1) >> 1; at > 0 && before(at, up); at = up, up = (at - 1) >> 1) swap(at, up);
  };
  const pop = (): Entry => {
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) heap[0] = last;
    for (let at = 0; ;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) if (child < heap.length && before(child, least)) least = child;
      if (least === at) return first;
      swap(at, least);
      at = least;
    }
  };
  const after: Timers['after'] = (delayMs, callback) => {
    const entry = { atMs: nowMs + Math.max(0, delayMs), callback, isCancelled: false };
    push(entry);
    return { cancel: () => (entry.isCancelled = true) };
  };
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    after,
    sleep: (ms) => new Promise((resolve) => after(ms, resolve)),
    async runUntil(untilMs) {
      // What was begun before comes to its first timers.
      await new Promise(setImmediate);
      while (heap.length > 0 && heap[0]!.atMs <= untilMs) {
        // What is due within the same twentieth of a second runs together, then what follows from it.
        const sliceMs = Math.floor(heap[0]!.atMs / 50) * 50 + 50;
        while (heap.length > 0 && heap[0]!.atMs < sliceMs) {
          const entry = pop();
          nowMs = Math.max(nowMs, entry.atMs);
          if (!entry.isCancelled) entry.callback();
        }
        await new Promise(setImmediate);
      }
      nowMs = untilMs;
    },
  };
}
