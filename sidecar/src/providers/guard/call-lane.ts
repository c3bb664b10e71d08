/**
 * Bounds how many calls an upstream has at once, and how many wait. After {@link CallLane.restart} it begins with one,
 * and takes one more for each that went well: an upstream that is back is not met by all that waited for it.
 */
export interface CallLane {
  /** True while no more may wait. */
  readonly isFull: boolean;
  /**
   * Runs `call` when there is room.
   *
   * @throws The reason of `signal` when that aborts before; what {@link CallLane.refuse} was given.
   */
  run<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Sends away all that wait. */
  refuse(reason: () => unknown): void;
  /** Begins with one at a time. */
  restart(): void;
}

/** The inputs of {@link createCallLane}. */
export interface CallLaneOptions {
  readonly atOnce: number;
  /** How many may wait. */
  readonly waiting: number;
}

interface Waiter {
  readonly start: () => void;
  readonly reject: (reason: unknown) => void;
}

export function createCallLane({ atOnce, waiting }: CallLaneOptions): CallLane {
  // A set keeps its order, and lets go of one in the middle.
  const waiters = new Set<Waiter>();
  let limit = atOnce;
  let running = 0;

  const enter = (signal: AbortSignal): Promise<void> => {
    if (running < limit) {
      running++;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        waiters.delete(waiter);
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
      waiters.add(waiter);
    });
  };
  const next = (): void => {
    while (running < limit) {
      const [first] = waiters;
      if (!first) return;
      running++;
      first.start();
    }
  };

  return {
    get isFull() {
      return waiters.size >= waiting;
    },
    async run(call, signal) {
      signal.throwIfAborted();
      await enter(signal);
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
      for (const waiter of waiters) waiter.reject(reason());
    },
    restart() {
      limit = 1;
    },
  };
}
