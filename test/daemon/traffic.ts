import type { Identity } from '@tallystick/sdk';

/** Calls to an API, one after the other, until they are stopped. */
export interface Traffic extends AsyncDisposable {
  /** How many were answered with 200. */
  readonly calls: number;
  /** Errors, and answers with another status, in their order. */
  readonly failures: readonly unknown[];
  /** Resolves when so many more have been answered with 200. */
  more(calls: number): Promise<void>;
  /** Resolves with the next call that fails. */
  nextFailure(): Promise<unknown>;
  /** Resolves when the last call is over. */
  stop(): Promise<void>;
}

/** Begins to call `url` as `identity`, with a pause of 5 ms between two calls. */
export function startTraffic(identity: Identity, url: string): Traffic {
  const failures: unknown[] = [];
  const wakes = new Set<() => void>();
  let calls = 0;
  let stopped = false;
  const until = (enough: () => boolean): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (!enough()) return;
      wakes.delete(look);
      resolve();
    };
    wakes.add(look);
    look();
    return promise;
  };
  const running = (async () => {
    while (!stopped) {
      try {
        const response = await identity.fetch(url);
        await response.bytes();
        if (response.status === 200) calls++;
        else failures.push(response.status);
      } catch (error) {
        failures.push(error);
      }
      wakes.forEach((wake) => wake());
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  const stop = (): Promise<void> => {
    stopped = true;
    return running;
  };
  return {
    get calls() {
      return calls;
    },
    failures,
    more(count) {
      const enough = calls + count;
      return until(() => calls >= enough);
    },
    async nextFailure() {
      const { length } = failures;
      await until(() => failures.length > length);
      return failures[length];
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
