import { expect, test } from 'vitest';
import { createIssueCap } from '../../src/lease/issue-cap.ts';
import { manualTime } from '../manual-time.ts';

test('a path may take so many in a minute of the monotonic clock, whatever others take', () => {
  const time = manualTime();
  const cap = createIssueCap({ clock: time, perMinute: 2 });
  expect([cap.take('a'), cap.take('a'), cap.take('a'), cap.take('b')]).toEqual([true, true, false, true]);
  time.jump(120_000);
  expect(cap.take('a')).toBe(false);
  time.advance(60_000);
  expect([cap.take('a'), cap.take('a'), cap.take('a')]).toEqual([true, true, false]);
});
