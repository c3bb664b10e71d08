/**
 * Bounds how many calls an upstream has at once, and how many of each caller wait. Callers take turns: one that asks for
 * a thousand things does not keep another from one. After {@link CallLane.restart} it begins with one, and takes one more
 * for each that went well: an upstream that is back is not met by all that waited for it.
 */
export interface CallLane {
  /** True while no more of a caller may wait. */
  isFull(caller: string): boolean;
  /**
   * Runs `call` when there is room.
   *
   * @throws The reason of `signal` when that aborts before; what {@link CallLane.refuse} was given.
   */
  run<T>(caller: string, call: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Sends away all that wait. */
  refuse(reason: () => unknown): void;
  /** Begins with one at a time. */
  restart(): void;
}

/** The inputs of {@link createCallLane}. */
export interface CallLaneOptions {
  readonly atOnce: number;
  /** How many of one caller may wait. */
  readonly waiting: number;
}

interface Waiter {
  readonly start: () => void;
  readonly reject: (reason: unknown) => void;
}

export function createCallLane({ atOnce, waiting }: CallLaneOptions): CallLane {
  // By caller, in the order of their turns. A set keeps its order, and lets go of one in the middle.
  const waiters = new Map<string, Set<Waiter>>();
  let limit = atOnce;
  let running = 0;

  const enter = (caller: string, signal: AbortSignal): Promise<void> => {
    if (running < limit) {
      running++;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const own = waiters.get(caller) ?? new Set();
      const leave = (): void => {
        own.delete(waiter);
        if (own.size === 0) waiters.delete(caller);
        signal.removeEventListener('abort', abort);
      };
      const waiter: Waiter = {
        start() {
          leave();
          resolve();
        },
        reject(reason) {
          leave();
          reject(reason);
        },
      };
      const abort = (): void => waiter.reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      waiters.set(caller, own.add(waiter));
    });
  };
  const next = (): void => {
    while (running < limit) {
      const [turn] = waiters;
      if (!turn) return;
      const [caller, own] = turn;
      const [first] = own;
      running++;
      first!.start();
      waiters.delete(caller);
      if (own.size > 0) waiters.set(caller, own);
    }
  };

  return {
    isFull: (caller) => (waiters.get(caller)?.size ?? 0) >= waiting,
    async run(caller, call, signal) {
      signal.throwIfAborted();
      await enter(caller, signal);
      try {
        const value = await call();
        if (limit < atOnce) limit++;
        return value;
      } finally {
        running--;
        next();
      }
    },
    refuse(reason) {
      for (const own of waiters.values()) for (const waiter of own) waiter.reject(reason());
    },
    restart() {
      limit = 1;
    },
  };
}
