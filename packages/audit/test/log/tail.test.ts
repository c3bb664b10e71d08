import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Tail } from '../../src/log/tail.ts';
import { encodeEntryBundle } from '../../src/tlog/entry-bundle.ts';

const HASH = randomBytes(32);

function tailOf(lengths: readonly number[], firstSeq = 0): { tail: Tail; records: Buffer[]; hashes: Buffer[] } {
  const tail = new Tail(firstSeq);
  const records = lengths.map((length) => randomBytes(length));
  const hashes = records.map(() => randomBytes(32));
  for (const [i, record] of records.entries()) tail.push(record, hashes[i]!);
  return { tail, records, hashes };
}

describe('the tail of a log', () => {
  it('gives every record and hash as it was put there, and knows their bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 900 }), { maxLength: 700 }), fc.nat(3), (lengths, bundles) => {
        const firstSeq = bundles * 256;
        const { tail, records, hashes } = tailOf(lengths, firstSeq);
        expect(tail.nextSeq).toBe(firstSeq + records.length);
        expect(tail.bytes).toBe(lengths.reduce((sum, length) => sum + length, 0));
        for (const [i, record] of records.entries()) {
          expect(record.compare(tail.record(firstSeq + i))).toBe(0);
          expect(hashes[i]!.compare(tail.leafHash(firstSeq + i))).toBe(0);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('forgets whole bundles alone, and what it still has is unchanged', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1100 }), fc.integer({ min: -5, max: 1400 }), (count, below) => {
        const { tail, records } = tailOf(Array.from({ length: count }, () => 9));
        tail.dropBelow(below);
        const first = Math.max(0, Math.floor(Math.min(below, count) / 256) * 256);
        expect(tail.firstSeq).toBe(first);
        expect(tail.bytes).toBe((count - first) * 9);
        for (let seq = first; seq < count; seq++) expect(records[seq]!.compare(tail.record(seq))).toBe(0);
        expect(() => tail.record(first - 1)).toThrow(RangeError);
        expect(() => tail.leafHash(count)).toThrow(RangeError);
        tail.push(Buffer.from('next'), HASH);
        expect(Buffer.from(tail.record(count)).toString()).toBe('next');
      }),
      { numRuns: 50 },
    );
  });

  it('has bundles and their hashes as their files have them', () => {
    const { tail, records, hashes } = tailOf(
      Array.from({ length: 300 }, (_, i) => i * 7),
      512,
    );
    for (const [index, width] of [
      [2, 256],
      [2, 3],
      [3, 44],
    ] as const) {
      const at = (index - 2) * 256;
      const entries = encodeEntryBundle(records.slice(at, at + width));
      expect(entries.compare(tail.entryBundle({ level: 'entries', index, width }))).toBe(0);
      const row = Buffer.concat(hashes.slice(at, at + width));
      expect(row.compare(tail.lowestTile({ level: 0, index, width }))).toBe(0);
    }
    expect(() => tail.entryBundle({ level: 'entries', index: 3, width: 45 })).toThrow(RangeError);
  });

  it('leaves a record that somebody reads as it was, whatever is put behind it', () => {
    const { tail, records } = tailOf([100]);
    const read = tail.record(0);
    for (let i = 0; i < 100; i++) tail.push(randomBytes(65_535), HASH);
    expect(records[0]!.compare(read)).toBe(0);
  });

  it('mixes nothing up when the memory of dropped bundles is used again', () => {
    const { tail } = tailOf(Array.from({ length: 600 }, () => 300));
    tail.dropBelow(512);
    const later = Array.from({ length: 600 }, (_, i) => randomBytes(200 + i));
    for (const record of later) tail.push(record, HASH);
    for (const [i, record] of later.entries()) expect(record.compare(tail.record(600 + i))).toBe(0);
    expect(tail.bytes).toBe(88 * 300 + later.reduce((sum, { length }) => sum + length, 0));
  });

  it('begins where a bundle begins', () => {
    expect(() => new Tail(255)).toThrow(RangeError);
  });
});
