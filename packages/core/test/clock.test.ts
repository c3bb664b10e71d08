import { afterEach, describe, expect, test, vi } from 'vitest';
import { MAX_TIMEOUT_MS, systemClock, systemTimers, type Timers } from '../src/index.ts';

const DAY = 86_400_000;

/** The timers of a fresh copy of the module, over a `node:timers` and a monotonic clock that the test owns. */
async function onFakeModule(): Promise<{
  timers: Timers;
  scheduled: { callback: () => void; delayMs: number; referenced: boolean; cancelled: boolean }[];
  pass: (ms: number) => void;
}> {
  let nowMs = 1000;
  const scheduled: { callback: () => void; delayMs: number; referenced: boolean; cancelled: boolean }[] = [];
  vi.resetModules();
  vi.doMock('node:perf_hooks', () => ({ performance: { now: () => nowMs } }));
  vi.doMock('node:timers', () => ({
    setTimeout(callback: () => void, delayMs: number) {
      const entry = { callback, delayMs, referenced: true, cancelled: false };
      scheduled.push(entry);
      return Object.assign(entry, { unref: () => ((entry.referenced = false), entry) });
    },
    clearTimeout(entry: { cancelled: boolean }) {
      entry.cancelled = true;
    },
  }));
  const { systemTimers: timers } = await import('../src/clock.ts');
  return { timers, scheduled, pass: (ms) => void (nowMs += ms) };
}

afterEach(() => {
  vi.useRealTimers();
  vi.doUnmock('node:timers');
  vi.doUnmock('node:perf_hooks');
  vi.resetModules();
});

describe('systemTimers', () => {
  test('runs the callback once', async () => {
    await expect(
      new Promise((resolve) => systemTimers.after(1, () => resolve('ran'), { keepAlive: true })),
    ).resolves.toBe('ran');
  });

  test.each([0, -5])('a delay of %d runs it as soon as possible', async (delayMs) => {
    await expect(
      new Promise((resolve) => systemTimers.after(delayMs, () => resolve('ran'), { keepAlive: true })),
    ).resolves.toBe('ran');
  });

  test('a delay that is not a number is refused, where setTimeout would fire at once', () => {
    expect(() => systemTimers.after(Number.NaN, () => expect.unreachable())).toThrow(RangeError);
  });

  test('a delay beyond 24.8 days, which setTimeout would fire at once, is waited out in parts', async () => {
    const { timers, scheduled, pass } = await onFakeModule();
    let runs = 0;
    timers.after(60 * DAY, () => runs++);
    const delays: number[] = [];
    while (runs === 0) {
      const { callback, delayMs } = scheduled.at(-1)!;
      delays.push(delayMs);
      pass(delayMs);
      callback();
    }
    expect(delays).toEqual([MAX_TIMEOUT_MS, MAX_TIMEOUT_MS, 60 * DAY - 2 * MAX_TIMEOUT_MS]);
    expect(Math.max(...delays)).toBeLessThanOrEqual(2 ** 31 - 1);
    expect(runs).toBe(1);
  });

  test('exactly 24.8 days take one part, and a part that comes late does not lengthen the whole', async () => {
    const { timers, scheduled, pass } = await onFakeModule();
    timers.after(MAX_TIMEOUT_MS, () => undefined);
    expect(scheduled).toHaveLength(1);
    let runs = 0;
    timers.after(MAX_TIMEOUT_MS + 10_000, () => runs++);
    pass(MAX_TIMEOUT_MS + 60_000);
    scheduled.at(-1)!.callback();
    expect(scheduled.at(-1)!.delayMs).toBe(0);
    expect(runs).toBe(0);
  });

  test('Infinity never runs: each part arms the next', async () => {
    const { timers, scheduled, pass } = await onFakeModule();
    timers.after(Infinity, () => expect.unreachable());
    for (let part = 0; part < 5; part++) {
      pass(MAX_TIMEOUT_MS);
      scheduled.at(-1)!.callback();
    }
    expect(scheduled.map(({ delayMs }) => delayMs)).toEqual(Array(6).fill(MAX_TIMEOUT_MS));
  });

  test('cancel forgets the callback, also in a later part, and may come after the fact', async () => {
    const { timers, scheduled, pass } = await onFakeModule();
    const timer = timers.after(30 * DAY, () => expect.unreachable());
    pass(MAX_TIMEOUT_MS);
    scheduled[0]!.callback();
    timer.cancel();
    expect(scheduled.map(({ cancelled }) => cancelled)).toEqual([false, true]);
    timer.cancel();
  });

  test('keeps the process alive in no part unless asked', async () => {
    const { timers, scheduled, pass } = await onFakeModule();
    timers.after(30 * DAY, () => undefined);
    timers.after(30 * DAY, () => undefined, { keepAlive: true });
    pass(MAX_TIMEOUT_MS);
    for (const { callback } of scheduled.slice()) callback();
    expect(scheduled.map(({ referenced }) => referenced)).toEqual([false, true, false, true]);
  });
});

describe("an application's fake timers", () => {
  test('cannot freeze timers or clock', async () => {
    vi.useFakeTimers({ now: 0 });
    expect(Date.now()).toBe(0);
    expect(systemClock.nowMs()).toBeGreaterThan(1_700_000_000_000);
    const before = systemClock.monotonicMs();
    await new Promise<void>((resolve) => systemTimers.after(2, resolve, { keepAlive: true }));
    expect(systemClock.monotonicMs()).toBeGreaterThan(before);
    expect(vi.getTimerCount()).toBe(0);
  });
});
