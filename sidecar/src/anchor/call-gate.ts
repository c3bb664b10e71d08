import type { ReplicaTarget } from '@tallystick/audit';
import type { Timers } from '@tallystick/core';

/** Lets calls to a disk or service of others through one by one, and waits for none of them for ever. */
export interface CallGate {
  /** True while a call that was given up has not come back. It holds a thread of the pool, and the end of the process. */
  readonly hangs: boolean;
  /** Returns the target behind the gate; calls that `signal` cuts off reject with what it is aborted with. */
  guard(target: ReplicaTarget, signal: AbortSignal): ReplicaTarget;
}

/** A list takes a request for a thousand names. */
const LIST_FACTOR = 12;

/** Returns a gate. After a call that was given up, none is let through until that one has come back: one thread may hang, no more. */
export function createCallGate(timers: Timers, timeoutMs: number): CallGate {
  let hanging = 0;
  const call = async <T>(act: () => Promise<T>, signal: AbortSignal, withinMs = timeoutMs): Promise<T> => {
    signal.throwIfAborted();
    if (hanging > 0) throw new Error('an earlier call has not come back');
    const given = Promise.withResolvers<never>();
    const timer = timers.after(withinMs, () => given.reject(new Error(`no answer within ${withinMs} ms`)));
    const abort = (): void => given.reject(signal.reason);
    signal.addEventListener('abort', abort);
    const called = act();
    let over = false;
    try {
      const value = await Promise.race([called, given.promise]);
      over = true;
      return value;
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', abort);
      if (!over) {
        hanging++;
        void called.catch(() => {}).finally(() => hanging--);
      }
    }
  };
  return {
    get hangs() {
      return hanging > 0;
    },
    guard: (target, signal) => ({
      putIfAbsent: (path, content) => call(() => target.putIfAbsent(path, content), signal),
      remove: (path) => call(() => target.remove(path), signal),
      get: (path) => call(() => target.get(path), signal),
      list: (folder, after) => call(() => target.list(folder, after), signal, timeoutMs * LIST_FACTOR),
    }),
  };
}
