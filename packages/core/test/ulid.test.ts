import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isLeaseId, isUlid, leaseId, systemClock, systemRandom, ulid, ulidTimeMs } from '../src/index.ts';

const at = (ms: number): { nowMs: () => number } => ({ nowMs: () => ms });
const fixed = (bytes: readonly number[]): { bytes: (n: number) => Uint8Array } => ({
  bytes: () => Uint8Array.from(bytes),
});
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const valueOf = (text: string): bigint =>
  text.split('').reduce((sum, c) => sum * 32n + BigInt(ALPHABET.indexOf(c)), 0n);

describe('ULID', () => {
  test('encodes the time as the reference implementation does (ulid/javascript: 1469918176385 is 01ARYZ6S41)', () => {
    expect(ulid(at(1469918176385), fixed(Array(10).fill(0)))).toBe('01ARYZ6S410000000000000000');
  });

  test('the largest is 7ZZZZZZZZZZZZZZZZZZZZZZZZZ', () => {
    expect(ulid(at(2 ** 48 - 1), fixed(Array(10).fill(255)))).toBe('7ZZZZZZZZZZZZZZZZZZZZZZZZZ');
  });

  test('holds 48 bits of time and all 80 random bits, most significant first', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 48 - 1 }),
        fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 10, maxLength: 10 }),
        (ms, bytes) => {
          const id = ulid(at(ms), fixed(bytes));
          expect(isUlid(id)).toBe(true);
          expect(ulidTimeMs(id)).toBe(ms);
          expect(valueOf(id)).toBe((BigInt(ms) << 80n) | BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
        },
      ),
    );
  });

  test('sorts by time as text', () => {
    const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });
    fc.assert(
      fc.property(time, time, (a, b) => {
        fc.pre(a < b);
        expect(ulid(at(a), systemRandom) < ulid(at(b), systemRandom)).toBe(true);
      }),
    );
  });

  test('a clock with fractions gives whole milliseconds', () => {
    expect(ulid(at(1469918176385.75), fixed(Array(10).fill(0)))).toBe('01ARYZ6S410000000000000000');
  });

  test.each([-1, 2 ** 48, Number.NaN, Infinity])('a clock that says %d is refused', (ms) => {
    expect(() => ulid(at(ms), systemRandom)).toThrow(RangeError);
  });

  test.each([
    '01ARYZ6S41TSV4RRFFQ69G5FA',
    '01ARYZ6S41TSV4RRFFQ69G5FAVX',
    '01aryz6s41tsv4rrffq69g5fav',
    '81ARYZ6S41TSV4RRFFQ69G5FAV',
    '01ARYZ6S41TSV4RRFFQ69G5FAI',
    '01ARYZ6S41TSV4RRFFQ69G5FAU',
    '01ARYZ6S41TSV4RRFFQ69G5FAV\n',
    '',
  ])('%j is none', (text) => {
    expect(isUlid(text)).toBe(false);
    expect(isLeaseId(`ls_${text}`)).toBe(false);
  });
});

describe('lease id', () => {
  test('is ls_ and a ULID, and another one each time', () => {
    const ids = new Set(Array.from({ length: 1000 }, () => leaseId(systemClock, systemRandom)));
    expect(ids.size).toBe(1000);
    for (const id of ids) expect(isLeaseId(id)).toBe(true);
  });

  test.each(['01ARYZ6S41TSV4RRFFQ69G5FAV', 'LS_01ARYZ6S41TSV4RRFFQ69G5FAV', 'ls_'])('%j is none', (text) => {
    expect(isLeaseId(text)).toBe(false);
  });
});
