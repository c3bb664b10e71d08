import { TallystickError, type Timers } from '@tallystick/core';

/** What a call is cut off by. */
export interface Deadline {
  /** Aborts when the time is over, or when the sidecar stops. */
  readonly signal: AbortSignal;
  /**
   * Returns what `call` gives, or rejects when it is cut off: also where the call does not heed the signal.
   *
   * @param late Told of what a call gives that was cut off.
   */
  race<T>(call: Promise<T>, late?: (value: T) => void): Promise<T>;
  /** Forgets the timer. */
  over(): void;
}

/** Begins the time of one call of the provider `name`. */
export function withDeadline(options: {
  readonly name: string;
  readonly timers: Timers;
  readonly deadlineMs: number;
  readonly stop: AbortSignal;
}): Deadline {
  const { name, timers, deadlineMs, stop } = options;
  const controller = new AbortController();
  const cut = Promise.withResolvers<never>();
  cut.promise.catch(() => {});
  const abort = (reason: unknown): void => {
    controller.abort(reason);
    cut.reject(reason);
  };
  const timer = timers.after(deadlineMs, () => {
    abort(new TallystickError('upstream_unavailable', `"${name}" gave no answer within ${deadlineMs / 1000} s`));
  });
  const stopped = (): void => abort(stop.reason);
  if (stop.aborted) stopped();
  else stop.addEventListener('abort', stopped, { once: true });
  return {
    signal: controller.signal,
    race(call, late) {
      call.then(
        (value) => {
          if (controller.signal.aborted) late?.(value);
        },
        () => {},
      );
      return Promise.race([call, cut.promise]);
    },
    over() {
      timer.cancel();
      stop.removeEventListener('abort', stopped);
    },
  };
}
