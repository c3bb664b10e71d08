import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';

/**
 * The time, as the parts of Tallystick see it. Injected everywhere, so that tests own it.
 *
 * Wall-clock time may jump; only `monotonicMs` is good for measuring how long something took.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch, by the wall clock. */
  nowMs(): number;
  /** Milliseconds since an arbitrary start. Never goes back, and does not count a suspended machine. */
  monotonicMs(): number;
}

/** A scheduled callback. */
export interface Timer {
  /** Forgets the callback. Harmless when it has already run. */
  cancel(): void;
}

/** Schedules callbacks. Injected together with a {@link Clock}. */
export interface Timers {
  /**
   * Runs `callback` once after `delayMs`, however long that is: delays beyond 24.8 days, which `setTimeout`
   * would fire at once, are waited out in parts. The timer does not keep the process alive unless `keepAlive`.
   *
   * @param delayMs Zero or less runs it as soon as possible; `Infinity` never.
   * @throws {RangeError} `delayMs` is not a number, which `setTimeout` would take for zero.
   */
  after(delayMs: number, callback: () => void, options?: { keepAlive?: boolean }): Timer;
}

/** The longest delay that `setTimeout` honours: 2^31 - 1 ms. */
export const MAX_TIMEOUT_MS = 2_147_483_647;

// Captured at import, so that an application's fake timers cannot freeze rotation. From the module, not the global:
// that one is the browser's, and gives a number, where a test runner imitates a page.
const startTimeout = setTimeout;
const stopTimeout = clearTimeout;
const wallNow: () => number = Date.now.bind(Date);
const monotonicNow: () => number = performance.now.bind(performance);

/** The machine's clock. */
export const systemClock: Clock = { nowMs: wallNow, monotonicMs: monotonicNow };

/** The machine's timers. */
export const systemTimers: Timers = {
  after(delayMs, callback, options) {
    if (Number.isNaN(delayMs)) throw new RangeError('"delayMs" must be a number');
    const dueMs = monotonicNow() + Math.max(0, delayMs);
    let handle: ReturnType<typeof startTimeout>;
    const arm = (): void => {
      const leftMs = dueMs - monotonicNow();
      handle =
        leftMs > MAX_TIMEOUT_MS ? startTimeout(arm, MAX_TIMEOUT_MS) : startTimeout(callback, Math.max(0, leftMs));
      if (!options?.keepAlive) handle.unref();
    };
    arm();
    return { cancel: () => stopTimeout(handle) };
  },
};
