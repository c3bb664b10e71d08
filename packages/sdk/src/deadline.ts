import { TallystickError, type Timers } from '@tallystick/core';

/** How long the sidecar may take for one answer, retries included. */
export const DEADLINE_MS = 10_000;
/** The same where it may have to ask an upstream, which it waits 20 s for. */
export const UPSTREAM_DEADLINE_MS = 30_000;

/**
 * Runs `work` with a signal that aborts when it took longer than `deadlineMs`, or when `signal` aborts.
 *
 * @throws {TallystickError} `sidecar_unavailable` when the time is up.
 */
export async function withDeadline<T>(
  timers: Timers,
  deadlineMs: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const stop = (): void => controller.abort(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  const timer = timers.after(deadlineMs, () =>
    controller.abort(
      new TallystickError('sidecar_unavailable', `the sidecar did not answer within ${deadlineMs / 1000} s`),
    ),
  );
  try {
    return await work(controller.signal);
  } catch (error) {
    // What the signal says is the cause; what the aborted request throws is only its effect.
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', stop);
  }
}
