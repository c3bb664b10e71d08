import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  bitString,
  objectIdentifier,
  octetString,
  readElements,
  sequence,
  time,
  unsigned,
} from '../../../src/providers/ca/der.ts';

const hex = (bytes: Buffer): string => bytes.toString('hex');

test('lengths take their shortest form (X.690 §10.1)', () => {
  const headers = [0, 1, 127, 128, 255, 256, 65_535, 65_536].map((size) =>
    hex(octetString(Buffer.alloc(size)).subarray(0, 5)).slice(0, 10),
  );
  expect(headers).toEqual([
    '0400',
    '040100',
    '047f000000',
    '0481800000',
    '0481ff0000',
    '0482010000',
    '0482ffff00',
    '0483010000',
  ]);
});

test.each([
  ['1.2.840.10045.4.3.2', '06082a8648ce3d040302'],
  ['2.5.29.17', '0603551d11'],
  ['1.3.6.1.5.5.7.3.1', '06082b06010505070301'],
])('an object identifier %s is %s', (text, bytes) => {
  expect(hex(objectIdentifier(text))).toBe(bytes);
});

test('an unsigned integer has no leading zero but the one that keeps it positive (X.690 §8.3)', () => {
  expect(
    [[0], [1], [127], [128], [0, 0, 5], [0, 200], [1, 0]].map((bytes) => hex(unsigned(Uint8Array.from(bytes)))),
  ).toEqual(['020100', '020101', '02017f', '02020080', '020105', '020200c8', '02020100']);
});

test('a time is a UTCTime through 2049, and a GeneralizedTime from then on (RFC 5280 §4.1.2.5)', () => {
  expect(time(Date.parse('2026-11-22T21:30:00.999Z')).toString('latin1')).toBe('\x17\r261122213000Z');
  expect(time(Date.parse('2050-01-01T00:00:00Z')).toString('latin1')).toBe('\x18\x0f20500101000000Z');
});

test('what was written is read back', () => {
  const parts = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 });
  fc.assert(
    fc.property(parts, (contents) => {
      const written = sequence(...contents.map((content) => octetString(content)), bitString(Buffer.of(1)));
      const [whole, ...after] = readElements(written);
      expect([after, whole!.tag, whole!.whole.equals(written)]).toEqual([[], 0x30, true]);
      expect(
        readElements(whole!.content)
          .slice(0, -1)
          .map(({ content }) => [...content]),
      ).toEqual(contents.map((each) => [...each]));
    }),
  );
});

test('whatever bytes are read, they are elements in their one form, or refused', () => {
  let refused = 0;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        const elements = readElements(Buffer.from(bytes));
        expect(Buffer.concat(elements.map(({ whole }) => whole)).equals(Buffer.from(bytes))).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        refused++;
      }
    }),
    { numRuns: 2000 },
  );
  expect(refused).toBeGreaterThan(100);
});
