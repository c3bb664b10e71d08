import type { Random, Timer, Timers } from '@tallystick/core';

/** Something that is done again and again. */
export interface Cadence {
  /** Has it done as soon as what is under way has ended. */
  soon(): void;
  /** Has it done a last time, after what is under way, and resolves when that has ended; what takes longer is given up. */
  finish(deadlineMs: number): Promise<void>;
  /** Gives up what is under way, and resolves when it has ended. It is done no more. */
  stop(): Promise<void>;
}

/** The inputs of {@link startCadence}. */
export interface CadenceOptions {
  /** Returns whether it was done. Must not reject; one at a time. */
  readonly act: (signal: AbortSignal) => Promise<boolean>;
  /** How long it rests after it was done; what was not is tried again sooner. */
  readonly intervalMs: number;
  /** How long it rests before the first time. */
  readonly firstMs: number;
  readonly timers: Timers;
  readonly random: Random;
}

const FIRST_RETRY_MS = 1000;
/** Never without a pause, however often nothing comes of it. */
const MIN_PAUSE_MS = 200;

/** Does something at an interval, by a tenth more or less so that a fleet spreads out; after a failure with backoff and full jitter. */
export function startCadence({ act, intervalMs, firstMs, timers, random }: CadenceOptions): Cadence {
  const end = new AbortController();
  let ending = false;
  let timer: Timer | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  let failures = 0;

  const pauseMs = (): number => {
    if (again) return 0;
    if (failures === 0) return intervalMs * (0.9 + 0.2 * random.uniform());
    const most = Math.min(intervalMs, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 20));
    return Math.max(MIN_PAUSE_MS, most * random.uniform());
  };
  const run = async (): Promise<void> => {
    timer?.cancel();
    again = false;
    failures = (await act(end.signal)) ? 0 : failures + 1;
    running = undefined;
    arm(pauseMs());
  };
  const start = (): void => {
    running ??= run();
  };
  const arm = (afterMs: number): void => {
    if (!ending) timer = timers.after(afterMs, start);
  };
  const stop = async (): Promise<void> => {
    ending = true;
    end.abort(new Error('the sidecar stops'));
    timer?.cancel();
    await running;
  };
  arm(firstMs);
  return {
    stop,
    soon() {
      if (running) again = true;
      else if (!ending) start();
    },
    async finish(deadlineMs) {
      ending = true;
      timer?.cancel();
      const deadline = timers.after(deadlineMs, () => end.abort(new Error('the sidecar stops')), { keepAlive: true });
      await running;
      if (!end.signal.aborted) await act(end.signal);
      deadline.cancel();
    },
  };
}
