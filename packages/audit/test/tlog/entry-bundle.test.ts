import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeEntryBundle, encodeEntryBundle, MAX_ENTRY_BYTES } from '../../src/index.ts';
import { faultOf } from './fault-of.ts';

const entries = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 256 });

describe('an entry bundle (tlog-tiles, Log entries)', () => {
  test('has a length of two bytes, big-endian, before each entry', () => {
    const long = Buffer.alloc(258, 7);
    expect(encodeEntryBundle([Buffer.from('a'), Buffer.alloc(0), long])).toEqual(
      Buffer.concat([Buffer.from([0, 1, 97, 0, 0, 1, 2]), long]),
    );
  });

  test('is read back as the entries it was made of', () => {
    fc.assert(
      fc.property(entries, (each) => {
        const read = decodeEntryBundle(encodeEntryBundle(each), each.length);
        expect(read.map((entry) => Buffer.from(entry))).toEqual(each.map((entry) => Buffer.from(entry)));
      }),
    );
  });

  test('is written again as it was read, whatever bytes it has', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 30 }), (bytes, width) => {
        let read: Uint8Array[] = [];
        if (faultOf(() => (read = decodeEntryBundle(bytes, width))) === 'none')
          expect(encodeEntryBundle(read)).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 500 },
    );
  });

  test('takes an entry of 65,535 bytes, and none of more', () => {
    const longest = Buffer.alloc(MAX_ENTRY_BYTES, 1);
    expect(decodeEntryBundle(encodeEntryBundle([longest]), 1)).toEqual([longest]);
    expect(faultOf(() => encodeEntryBundle([Buffer.alloc(MAX_ENTRY_BYTES + 1)]))).toBe('bundle');
  });

  test('has 1 to 256 entries', () => {
    expect(faultOf(() => encodeEntryBundle([]))).toBe('bundle');
    expect(faultOf(() => encodeEntryBundle(Array.from({ length: 257 }, () => Buffer.of(1))))).toBe('bundle');
  });

  test.each([
    ['is empty', [], 1],
    ['has fewer entries than its path says', [0, 1, 97], 2],
    ['has more entries than its path says', [0, 1, 97, 0, 1, 98], 1],
    ['has half a length', [0, 1, 97, 0], 2],
    ['ends within an entry', [0, 3, 97, 98], 1],
  ])('that %s is refused', (_what, bytes, width) => {
    expect(faultOf(() => decodeEntryBundle(Buffer.from(bytes), width))).toBe('bundle');
  });
});
