import { systemTimers } from '@tallystick/core';

/** What is used of the process. */
export type ExitingProcess = Pick<NodeJS.Process, 'once' | 'prependOnceListener' | 'listenerCount' | 'kill' | 'pid'>;

/** What is exported at the end. */
export interface Flushable {
  /** Exports what there is; more may come. Never rejects. */
  flush(): Promise<void>;
  /** Exports what there is, and ends. */
  shutdown(): Promise<void>;
}

/** The longest that the end of a program is delayed. */
const FLUSH_MS = 2000;

/**
 * Exports what there is when the program ends, by itself or by SIGTERM or SIGINT, and delays that by two seconds at
 * most. Exit codes and signals are the program's own: one that handles a signal decides what happens, one that does
 * not dies of it.
 *
 * Where `process.exit()` is called, what was recorded in the last seconds is lost: Node waits for nothing then.
 */
export function flushOnExit(process: ExitingProcess, telemetry: Flushable): void {
  process.once('beforeExit', () => void atMost(FLUSH_MS, telemetry.shutdown()));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    // First and once: when the others run, we are not among the listeners any more. Some count them, to end the
    // program when they are alone.
    process.prependOnceListener(signal, () => {
      if (process.listenerCount(signal) > 0) void telemetry.flush();
      else void atMost(FLUSH_MS, telemetry.shutdown()).then(() => process.kill(process.pid, signal));
    });
  }
}

/** Resolves when `work` settles, or after `ms`. Keeps the program alive until then, and no longer. */
function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = systemTimers.after(ms, resolve, { keepAlive: true });
    const settled = (): void => {
      timer.cancel();
      resolve();
    };
    work.then(settled, settled);
  });
}
