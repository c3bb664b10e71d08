import { readFileSync } from 'node:fs';
import { nodeHash } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import { verifyInclusion } from '../../src/index.ts';
import { faultOf } from './fault-of.ts';

interface Case {
  file: string;
  leafIdx: number;
  treeSize: number;
  root: string;
  leafHash: string;
  proof: string[] | null;
  wantErr: boolean;
}

const { cases } = JSON.parse(readFileSync(new URL('vectors/inclusion.json', import.meta.url), 'utf8')) as {
  cases: Case[];
};
const bytes = (text: string): Buffer => Buffer.from(text, 'base64');

describe('RFC 9162 §2.1.3.2, by the cases of transparency-dev/merkle', () => {
  test('are 98', () => expect(cases).toHaveLength(98));

  test.each(cases)('$file', ({ leafIdx, treeSize, root, leafHash, proof, wantErr }) => {
    const fault = faultOf(() =>
      verifyInclusion({
        index: leafIdx,
        size: treeSize,
        root: bytes(root),
        leafHash: bytes(leafHash),
        proof: (proof ?? []).map(bytes),
      }),
    );
    expect(fault !== 'none').toBe(wantErr);
  });
});

describe('an inclusion proof', () => {
  const hash = Buffer.alloc(32, 7);
  const claim = { index: 0, size: 1, leafHash: hash, proof: [], root: hash };

  test('of the only leaf is empty', () => expect(faultOf(() => verifyInclusion(claim))).toBe('none'));

  test.each([
    ['a leaf of 31 bytes', { leafHash: hash.subarray(1) }, 'hash'],
    ['a root of 33 bytes', { root: Buffer.alloc(33, 7) }, 'hash'],
    ['leaf and root both empty', { leafHash: Buffer.alloc(0), root: Buffer.alloc(0) }, 'hash'],
    ['an index beyond the tree', { index: 1 }, 'index'],
    ['a negative index', { index: -1 }, 'index'],
    ['an index that is no integer', { index: 0.5 }, 'index'],
    ['an index that is no number', { index: Number.NaN }, 'index'],
    ['an empty tree', { size: 0 }, 'index'],
    ['a size that JavaScript rounds', { size: 2 ** 53 }, 'size'],
    ['a size that is no integer', { size: 1.5 }, 'size'],
    ['a hash too many', { proof: [hash] }, 'inclusion'],
    ['a way beyond the root, to that of a larger tree', { proof: [hash], root: nodeHash(hash, hash) }, 'inclusion'],
    ['a hash too few', { size: 2 }, 'inclusion'],
    ['another root', { root: Buffer.alloc(32) }, 'inclusion'],
  ] as const)('with %s is refused', (_what, change, fault) => {
    expect(faultOf(() => verifyInclusion({ ...claim, ...change }))).toBe(fault);
  });
});
