import type { Timers } from '@tallystick/core';

/** Resolves after a whole turn of the event loop: all that was ready by now has been polled. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

/** Connections that the kernel may hold for a listener; what comes beyond is from clients that do not stop. */
const MAX_QUEUED = 4_096;

/** Waits until the connections made before now are accepted: libuv takes one in each turn. */
export async function acceptQueued(counts: { readonly accepted: number }): Promise<void> {
  const limit = counts.accepted + MAX_QUEUED;
  let before: number;
  do {
    before = counts.accepted;
    await turn();
  } while (before < counts.accepted && counts.accepted < limit);
}

/** Waits for `work`, `deadlineMs` at most; 0 does not wait, even for a clock that stands still. */
export async function within(deadlineMs: number, work: Promise<void>, timers: Timers): Promise<void> {
  if (deadlineMs <= 0) return;
  await new Promise<void>((resolve) => {
    const timer = timers.after(deadlineMs, resolve, { keepAlive: true });
    void work.then(() => {
      timer.cancel();
      resolve();
    });
  });
}
