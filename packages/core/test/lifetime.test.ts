import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backoffMs, formatDuration, parseDurationMs, renewalInstant, rotationInstant } from '../src/index.ts';

const HOUR = 3_600_000;
const lifetime = fc
  .record({ issuedAtMs: fc.integer({ min: 0, max: 4e12 }), lengthMs: fc.integer({ min: 1, max: 366 * 24 * HOUR }) })
  .map(({ issuedAtMs, lengthMs }) => ({ issuedAtMs, expiresAtMs: issuedAtMs + lengthMs }));
const jitter = fc.double({ min: -1, max: 1, noNaN: true });
const floor = fc.integer({ min: 0, max: 400 * 24 * HOUR });

describe('rotation (DESIGN §5)', () => {
  test.each([
    [0, 0, HOUR / 2],
    [1, 0, HOUR * 0.55],
    [-1, 0, HOUR * 0.45],
    // The floor of AWS: 20 minutes left
    [0, 20 * 60_000, HOUR / 2],
    [0, 40 * 60_000, HOUR / 3],
    [1, 40 * 60_000, HOUR / 3],
    // A floor that leaves nothing
    [0, HOUR, HOUR / 10],
    [0, 2 * HOUR, HOUR / 10],
  ])('an hour, jitter %d, floor %d ms: after %d ms', (by, floorMs, afterMs) => {
    const issuedAtMs = 1_700_000_000_000;
    expect(rotationInstant({ issuedAtMs, expiresAtMs: issuedAtMs + HOUR }, by, floorMs)).toBe(issuedAtMs + afterMs);
  });

  test.each([
    [0, HOUR * 2],
    [1, 132 * 60_000],
    [-1, 108 * 60_000],
  ])('a lease of three hours is renewed at two thirds: jitter %d, after %d ms', (by, afterMs) => {
    expect(renewalInstant({ issuedAtMs: 0, expiresAtMs: 3 * HOUR }, by)).toBe(afterMs);
  });

  test.each([rotationInstant, renewalInstant])(
    '%o is always before expiry and never before a tenth of the lifetime',
    (instant) => {
      fc.assert(
        fc.property(lifetime, jitter, floor, (life, by, floorMs) => {
          const at = instant(life, by, floorMs);
          expect(at).toBeLessThan(life.expiresAtMs);
          expect(at).toBeGreaterThanOrEqual(life.issuedAtMs + Math.floor((life.expiresAtMs - life.issuedAtMs) / 10));
          expect(Number.isInteger(at)).toBe(true);
        }),
      );
    },
  );

  test.each([rotationInstant, renewalInstant])('%o leaves the floor where the lifetime has room for it', (instant) => {
    fc.assert(
      fc.property(lifetime, jitter, floor, (life, by, floorMs) => {
        fc.pre(floorMs <= (life.expiresAtMs - life.issuedAtMs) * 0.9);
        expect(life.expiresAtMs - instant(life, by, floorMs)).toBeGreaterThanOrEqual(floorMs);
      }),
    );
  });

  test('a lifetime of one millisecond rotates at issuance, not after expiry', () => {
    expect(rotationInstant({ issuedAtMs: 5, expiresAtMs: 6 }, 1)).toBe(5);
  });

  test('jitter moves by at most 10 % of the part, and in its direction', () => {
    fc.assert(
      fc.property(lifetime, jitter, (life, by) => {
        const length = life.expiresAtMs - life.issuedAtMs;
        const moved = rotationInstant(life, by) - rotationInstant(life, 0);
        expect(Math.abs(moved)).toBeLessThanOrEqual(length * 0.05 + 1);
        expect(Math.sign(moved) * Math.sign(by)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test.each([
    [{ issuedAtMs: 5, expiresAtMs: 5 }, 0, 0],
    [{ issuedAtMs: 6, expiresAtMs: 5 }, 0, 0],
    [{ issuedAtMs: 0, expiresAtMs: Number.NaN }, 0, 0],
    [{ issuedAtMs: 0, expiresAtMs: Infinity }, 0, 0],
    [{ issuedAtMs: -Infinity, expiresAtMs: 1 }, 0, 0],
    [{ issuedAtMs: 0, expiresAtMs: 9 }, 1.01, 0],
    [{ issuedAtMs: 0, expiresAtMs: 9 }, -1.01, 0],
    [{ issuedAtMs: 0, expiresAtMs: 9 }, Number.NaN, 0],
    [{ issuedAtMs: 0, expiresAtMs: 9 }, 0, -1],
    [{ issuedAtMs: 0, expiresAtMs: 9 }, 0, Number.NaN],
  ])('refuses %o with jitter %d and floor %d', (life, by, floorMs) => {
    expect(() => rotationInstant(life, by, floorMs)).toThrow(RangeError);
    expect(() => renewalInstant(life, by, floorMs)).toThrow(RangeError);
  });
});

describe('backoff (DESIGN §5)', () => {
  const attempt = fc.nat({ max: 2000 });
  const uniform = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  test('is never zero and never above five minutes, however often', () => {
    fc.assert(
      fc.property(attempt, uniform, (n, u) => {
        expect(backoffMs(n, u)).toBeGreaterThanOrEqual(100);
        expect(backoffMs(n, u)).toBeLessThanOrEqual(300_000);
      }),
    );
  });

  test.each([
    [0, 500],
    [1, 1000],
    [2, 2000],
    [8, 128_000],
    [9, 150_000],
    [10_000, 150_000],
  ])('doubles from one second: attempt %d at the middle of its jitter waits %d ms', (n, ms) => {
    expect(backoffMs(n, 0.5)).toBe(ms);
  });

  test('has full jitter: any share of the ceiling', () => {
    expect(backoffMs(4, 0)).toBe(100);
    expect(backoffMs(4, 0.999_999)).toBe(15_999);
  });

  test.each([
    [-1, 0],
    [Number.NaN, 0],
    [0, 1],
    [0, -0.1],
    [0, Number.NaN],
  ])('refuses attempt %d with %d: a sleep that is not a number is none', (n, u) => {
    expect(() => backoffMs(n, u)).toThrow(RangeError);
  });
});

describe('durations', () => {
  test.each([
    ['1s', 1000],
    ['45s', 45_000],
    ['15m', 900_000],
    ['12h', 12 * HOUR],
    ['7d', 168 * HOUR],
    ['86400s', 24 * HOUR],
    ['36525d', 36_525 * 24 * HOUR],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  test.each([
    '',
    '0s',
    '00m',
    '5',
    's',
    '1.5h',
    '-1s',
    '+1s',
    '1S',
    '1 s',
    ' 1s',
    '1s\n',
    '1w',
    '1h30m',
    '1e3s',
    '36526d',
    '999999999d',
    '٣s',
  ])('%j is none', (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  });

  test.each([
    [0, '0s'],
    [1000, '1s'],
    [90_000, '90s'],
    [900_000, '15m'],
    [5_400_000, '90m'],
    [24 * HOUR, '1d'],
    [25 * HOUR, '25h'],
  ])('%d ms is written %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test('what is written reads back the same, for whole seconds up to thirty years', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999_999_999 }), (seconds) => {
        expect(parseDurationMs(formatDuration(seconds * 1000))).toBe(seconds * 1000);
      }),
    );
  });
});
