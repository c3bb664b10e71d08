import { leafHash } from '@tallystick/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeEntryBundle } from '../../src/index.ts';
import { deriveBundle, eachRecord } from '../../src/verify/derive-bundle.ts';

const record = fc.uint8Array({ maxLength: 300 });
const recordsOf = (bundle: Uint8Array, width: number): Uint8Array[] => {
  const records: Uint8Array[] = [];
  eachRecord(bundle, width, (_, each) => records.push(Buffer.from(each)));
  return records;
};

test('the row of a bundle is the leaf hashes of its records, and the bundle is left as it was', () => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 256 }), (records) => {
      const bundle = encodeEntryBundle(records);
      const before = Buffer.from(bundle);
      const { row, fault, wrongSizes } = deriveBundle(bundle, records.length);
      expect(fault).toBeUndefined();
      expect(row).toEqual(Buffer.concat(records.map((each) => leafHash(each))));
      expect(wrongSizes).toEqual(records.flatMap(({ length }, i) => (length === 0 ? [i] : [])));
      expect(bundle).toEqual(before);
      expect(recordsOf(bundle, records.length)).toEqual(records.map((each) => Buffer.from(each)));
    }),
  );
});

test('a bundle says why it is none', () => {
  const bundle = encodeEntryBundle([Buffer.from('{"a":1}'), Buffer.from('{"b":2}')]);
  expect(deriveBundle(bundle.subarray(0, -1), 2).fault).toBe('its record 1 is cut off');
  expect(deriveBundle(bundle.subarray(0, 10), 2).fault).toBe('it has 1 records, not 2');
  expect(deriveBundle(bundle, 3).fault).toBe('it has 2 records, not 3');
  expect(deriveBundle(bundle, 1).fault).toBe('bytes follow its last record');
  expect(deriveBundle(bundle, 1, true).fault).toBeUndefined();
});

test('records are shown up to the first that is cut off', () => {
  const bundle = encodeEntryBundle([Buffer.from('{"a":1}'), Buffer.from('{"b":2}')]);
  expect(recordsOf(bundle.subarray(0, -1), 2).map(String)).toEqual(['{"a":1}']);
  expect(recordsOf(bundle.subarray(0, 10), 2).map(String)).toEqual(['{"a":1}']);
});
