import { expect, onTestFinished, test } from 'vitest';
import { startCadence, type Cadence } from '../../src/anchor/cadence.ts';
import { manualTime } from '../manual-time.ts';

const INTERVAL_MS = 60_000;

/** A cadence whose every act ends as the test says, on a clock that it moves. */
function started(uniform = 0.5) {
  const time = manualTime();
  const acts: { readonly atMs: number; readonly signal: AbortSignal; end(done: boolean): Promise<void> }[] = [];
  const cadence: Cadence = startCadence({
    act(signal) {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      signal.addEventListener('abort', () => resolve(false));
      const end = async (done: boolean): Promise<void> => {
        resolve(done);
        await new Promise(setImmediate);
      };
      acts.push({ atMs: time.monotonicMs(), signal, end });
      return promise;
    },
    intervalMs: INTERVAL_MS,
    firstMs: 1000,
    timers: time,
    random: { bytes: () => new Uint8Array(), uniform: () => uniform },
  });
  onTestFinished(() => cadence.stop());
  return { time, acts, cadence };
}

test('what was done is done again after the interval, a tenth sooner or later', async () => {
  for (const [uniform, pauseMs] of [
    [0, 54_000],
    [0.999, 65_988],
  ] as const) {
    const { time, acts } = started(uniform);
    time.advance(1000);
    await acts[0]!.end(true);
    time.advance(pauseMs - 1);
    expect(acts).toHaveLength(1);
    time.advance(2);
    expect(acts).toHaveLength(2);
  }
});

test('what failed is tried again after a second, then less and less often, and at the interval at last', async () => {
  const { time, acts } = started(0.999);
  time.advance(1000);
  const pauses: number[] = [];
  for (let i = 0; i < 9; i++) {
    const fromMs = time.monotonicMs();
    await acts.at(-1)!.end(false);
    const before = acts.length;
    while (acts.length === before) time.advance(100);
    pauses.push(Math.round((time.monotonicMs() - fromMs) / 1000));
  }
  expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
});

test('jitter never makes the pause after a failure nothing', async () => {
  const { time, acts } = started(0);
  time.advance(1000);
  await acts[0]!.end(false);
  time.advance(199);
  expect(acts).toHaveLength(1);
  time.advance(1);
  expect(acts).toHaveLength(2);
});

test('asked for soon it is done at once, or once more after what is under way', async () => {
  const { time, acts, cadence } = started();
  cadence.soon();
  expect(acts).toHaveLength(1);
  cadence.soon();
  cadence.soon();
  expect(acts).toHaveLength(1);
  await acts[0]!.end(true);
  time.advance(0);
  expect(acts).toHaveLength(2);
  await acts[1]!.end(true);
  time.advance(1000);
  expect(acts).toHaveLength(2);
});

test('stopped it gives up what is under way, and is done no more', async () => {
  const { time, acts, cadence } = started();
  time.advance(1000);
  await cadence.stop();
  expect(acts[0]!.signal.aborted).toBe(true);
  cadence.soon();
  time.advance(10 * INTERVAL_MS);
  expect(acts).toHaveLength(1);
});

test('finished it is done a last time, after what is under way', async () => {
  const { time, acts, cadence } = started();
  time.advance(1000);
  const finished = cadence.finish(1500);
  await acts[0]!.end(true);
  expect(acts).toHaveLength(2);
  await acts[1]!.end(true);
  await finished;
  time.advance(10 * INTERVAL_MS);
  expect(acts).toHaveLength(2);
});

test('what takes longer than the end may is given up', async () => {
  const { time, acts, cadence } = started();
  const finished = cadence.finish(1500);
  await new Promise(setImmediate);
  expect(acts).toHaveLength(1);
  time.advance(1500);
  await finished;
  expect(acts[0]!.signal.aborted).toBe(true);
});
