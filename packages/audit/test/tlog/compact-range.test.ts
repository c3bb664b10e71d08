import { readFileSync } from 'node:fs';
import { leafHash, merkleRoot, nodeHash } from '@tallystick/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CompactRange } from '../../src/index.ts';
import { faultOf } from './fault-of.ts';

const { leaves, roots } = JSON.parse(
  readFileSync(new URL('../../../core/test/vectors/rfc6962.json', import.meta.url), 'utf8'),
) as { leaves: string[]; roots: string[] };

const hashes = Array.from({ length: 1100 }, (_, i) => leafHash(Buffer.from(`leaf ${i}`)));

function rangeOf(leafHashes: readonly Uint8Array[]): CompactRange {
  const range = new CompactRange();
  for (const each of leafHashes) range.append(each);
  return range;
}

describe('a compact range', () => {
  test('has the roots of the reference tree of RFC 6962, at every size', () => {
    const range = new CompactRange();
    expect(range.root().toString('hex')).toBe(roots[0]);
    leaves.forEach((leaf, i) => {
      range.append(leafHash(Buffer.from(leaf, 'hex')));
      expect(range.size).toBe(i + 1);
      expect(range.root().toString('hex')).toBe(roots[i + 1]);
    });
  });

  test('has the root that the definition gives, at every size up to 1100', () => {
    const range = new CompactRange();
    for (const [i, each] of hashes.entries()) {
      range.append(each);
      if (i < 300 || i % 97 === 0) expect(range.root()).toEqual(merkleRoot(hashes.slice(0, i + 1)));
    }
  });

  test('goes on from its edge as if it had never stopped', () => {
    fc.assert(
      fc.property(fc.nat(400), fc.nat(300), (stop, more) => {
        const range = rangeOf(hashes.slice(0, stop));
        const restored = CompactRange.restore(stop, range.edge());
        for (const each of hashes.slice(stop, stop + more)) restored.append(each);
        expect(restored.root()).toEqual(merkleRoot(hashes.slice(0, stop + more)));
        expect(restored.size).toBe(stop + more);
      }),
      { numRuns: 60 },
    );
  });

  test('counts beyond 2^32 leaves, and to the last that JavaScript can count', () => {
    const edge = (size: number): Buffer[] =>
      Array.from(size.toString(2))
        .filter((bit) => bit === '1')
        .map((_, i) => hashes[i]!);
    const range = CompactRange.restore(2 ** 32 + 1, edge(2 ** 32 + 1));
    range.append(hashes[2]!);
    expect(range.edge()).toEqual([hashes[0], rangeOf([hashes[1]!, hashes[2]!]).root()]);
    const full = CompactRange.restore(2 ** 33 - 1, edge(2 ** 33 - 1));
    full.append(hashes[40]!);
    expect(full.edge()).toEqual([hashes.slice(0, 33).reduceRight((right, left) => nodeHash(left, right), hashes[40]!)]);
    expect(CompactRange.restore(Number.MAX_SAFE_INTEGER, edge(Number.MAX_SAFE_INTEGER)).edge()).toHaveLength(53);
  });

  test('keeps what it was given: neither the leaf nor the edge it returned can change it', () => {
    const leaf = Buffer.from(hashes[0]!);
    const range = rangeOf([leaf]);
    leaf.fill(0);
    range.edge()[0]!.fill(0);
    range.root().fill(0);
    expect(range.root()).toEqual(hashes[0]);
  });

  test.each([
    ['a size that is no integer', 1.5, [], 'size'],
    ['a negative size', -1, [], 'size'],
    ['a size that JavaScript rounds', 2 ** 53, [], 'size'],
    ['too few hashes', 3, [hashes[0]!], 'size'],
    ['too many hashes', 4, [hashes[0]!, hashes[1]!], 'size'],
    ['a hash of 31 bytes', 1, [hashes[0]!.subarray(1)], 'hash'],
  ] as const)('is not restored from %s', (_what, size, edge, fault) => {
    expect(faultOf(() => CompactRange.restore(size, edge))).toBe(fault);
  });

  test('takes no leaf hash but one of 32 bytes, and stays as it was', () => {
    const range = rangeOf([hashes[0]!]);
    expect(faultOf(() => range.append(Buffer.alloc(31)))).toBe('hash');
    expect(range.size).toBe(1);
    expect(range.root()).toEqual(hashes[0]);
  });
});
