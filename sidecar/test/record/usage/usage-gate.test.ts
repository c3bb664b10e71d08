import { TallystickError } from '@tallystick/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createUsageGate } from '../../../src/record/usage/usage-gate.ts';
import { manualTime } from '../../manual-time.ts';

const BATCH = 'spiffe://acme.example/close-batch';

function gate() {
  const time = manualTime();
  const own = createUsageGate({ clock: time });
  return {
    time,
    /** Returns how long to wait, or 0 where it was let in. */
    take(holder: string, bytes = 2000, identity = BATCH): number {
      try {
        own.take({ holder, identity, bytes });
        return 0;
      } catch (error) {
        if (TallystickError.is(error) && error.code === 'rate_limited') return error.retryAfterMs!;
        throw error;
      }
    },
  };
}

test('a holder may send a burst, and then one every five seconds', () => {
  const { time, take } = gate();
  expect(Array.from({ length: 40 }, () => take('a')).filter((wait) => wait > 0)).toEqual([]);
  expect(take('a')).toBe(5000);
  expect(take('b')).toBe(0);
  time.advance(4999);
  expect(take('a')).toBe(1);
  time.advance(1);
  expect(take('a')).toBe(0);
  expect(take('a')).toBe(5000);
});

test('after the time that a refusal names, it is let in', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20_000), { maxLength: 60 }), (waits) => {
      const { time, take } = gate();
      for (const wait of waits) {
        time.advance(wait);
        const ms = take('a');
        if (ms === 0) continue;
        time.advance(ms);
        expect(take('a')).toBe(0);
      }
    }),
  );
});

test('all keys of an identity together write a bounded number of bytes a minute', () => {
  const { time, take } = gate();
  let written = 0;
  for (let i = 0; i < 1000; i++) if (take(`key ${i}`) === 0) written += 2000;
  expect(written).toBeLessThanOrEqual(1024 * 1024);
  expect(written).toBeGreaterThan(1_000_000);
  expect(take('another', 2000, 'spiffe://acme.example/other')).toBe(0);
  const wait = take('key 1001');
  expect(wait).toBeGreaterThan(0);
  time.advance(wait);
  expect(take('key 1001')).toBe(0);
});
