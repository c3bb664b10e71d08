import { expect, test } from 'vitest';
import { createManualClock } from '../src/index.ts';

test('time stands still until it is moved', () => {
  const clock = createManualClock(1_000_000);
  expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1_000_000, 0]);
});

test('what is due runs in the order of its instants, each at its own', async () => {
  const clock = createManualClock(0);
  const seen: [string, number][] = [];
  clock.after(30, () => seen.push(['c', clock.nowMs()]));
  clock.after(10, () => {
    seen.push(['a', clock.nowMs()]);
    clock.after(10, () => seen.push(['b', clock.nowMs()]));
  });
  clock.after(31, () => seen.push(['later', clock.nowMs()]));
  await clock.advance(30);
  expect(seen).toEqual([
    ['a', 10],
    ['b', 20],
    ['c', 30],
  ]);
});

test('a cancelled timer does not run', async () => {
  const clock = createManualClock(0);
  let ran = false;
  clock.after(10, () => (ran = true)).cancel();
  await clock.advance(100);
  expect(ran).toBe(false);
});

test('the wall clock can jump without monotonic time or timers', async () => {
  const clock = createManualClock(1_000_000);
  await clock.advance(500);
  clock.setWall(0);
  expect([clock.nowMs(), clock.monotonicMs()]).toEqual([0, 500]);
  await clock.advance(100);
  expect([clock.nowMs(), clock.monotonicMs()]).toEqual([100, 600]);
});

test('time does not go back', async () => {
  await expect(createManualClock().advance(-1)).rejects.toThrow(RangeError);
});
