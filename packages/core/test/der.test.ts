import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DER } from '../src/index.ts';
import { dotted, read } from './read-der.ts';

const hex = (bytes: Buffer): string => bytes.toString('hex');

test('lengths take their shortest form (X.690 §10.1)', () => {
  const headers = [0, 1, 127, 128, 255, 256, 65_535, 65_536].map((size) =>
    hex(DER.octetString(Buffer.alloc(size)).subarray(0, 5)).slice(0, 10),
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
  expect(hex(DER.objectIdentifier(text))).toBe(bytes);
});

test('an unsigned integer has no leading zero but the one that keeps it positive (X.690 §8.3)', () => {
  expect(
    [[0], [1], [127], [128], [0, 0, 5], [0, 200], [1, 0]].map((bytes) => hex(DER.unsigned(Uint8Array.from(bytes)))),
  ).toEqual(['020100', '020101', '02017f', '02020080', '020105', '020200c8', '02020100']);
});

test('a time is a UTCTime through 2049, and a GeneralizedTime from then on (RFC 5280 §4.1.2.5)', () => {
  expect(DER.time(Date.parse('2026-11-22T21:30:00.999Z')).toString('latin1')).toBe('\x17\r261122213000Z');
  expect(DER.time(Date.parse('2050-01-01T00:00:00Z')).toString('latin1')).toBe('\x18\x0f20500101000000Z');
});

describe('DER', () => {
  test('of any length is read as it was written, in the shortest form', () => {
    const lengths = fc.oneof(fc.nat(300), fc.constantFrom(127, 128, 255, 256, 65_535, 65_536));
    fc.assert(
      fc.property(lengths, fc.nat(30), (length, number) => {
        const content = DER.bitString(Buffer.alloc(length, 7));
        const [outer, ...none] = read(
          DER.tagged(number, DER.sequence(content, DER.unsigned(Buffer.of(5))), 'constructed'),
        );
        expect([outer!.tag, none]).toEqual([0xa0 | number, []]);
        const [inner] = read(outer!.content);
        const [bits, integer] = read(inner!.content);
        expect([inner!.tag, bits!.tag, integer!.tag]).toEqual([0x30, 0x03, 0x02]);
        expect(bits!.content).toEqual(Buffer.concat([Buffer.of(0), Buffer.alloc(length, 7)]));
        expect([...integer!.content]).toEqual([5]);
      }),
    );
  });

  test('of any object identifier is read as it was written', () => {
    const identifier = fc
      .tuple(fc.constantFrom(0, 1, 2), fc.nat(39), fc.array(fc.nat(2 ** 40), { maxLength: 12 }))
      .map(([first, second, rest]) => [first, second, ...rest].join('.'));
    fc.assert(
      fc.property(identifier, (text) => {
        const [value] = read(DER.objectIdentifier(text));
        expect([value!.tag, dotted(value!.content)]).toEqual([6, text]);
      }),
    );
  });
});
