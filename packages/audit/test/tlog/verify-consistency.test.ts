import { readFileSync } from 'node:fs';
import { nodeHash } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import { verifyConsistency } from '../../src/index.ts';
import { faultOf } from './fault-of.ts';

interface Case {
  file: string;
  size1: number;
  size2: number;
  root1: string;
  root2: string;
  proof: string[] | null;
  wantErr: boolean;
}

const { cases } = JSON.parse(readFileSync(new URL('vectors/consistency.json', import.meta.url), 'utf8')) as {
  cases: Case[];
};
const bytes = (text: string): Buffer => Buffer.from(text, 'base64');

describe('RFC 9162 §2.1.4.2, by the cases of transparency-dev/merkle', () => {
  test('are 98', () => expect(cases).toHaveLength(98));

  test.each(cases)('$file', ({ size1, size2, root1, root2, proof, wantErr }) => {
    const fault = faultOf(() =>
      verifyConsistency({
        size1,
        size2,
        root1: bytes(root1),
        root2: bytes(root2),
        proof: (proof ?? []).map(bytes),
      }),
    );
    expect(fault !== 'none').toBe(wantErr);
  });
});

describe('a consistency proof', () => {
  const hash = Buffer.alloc(32, 7);
  const claim = { size1: 1, size2: 1, root1: hash, root2: hash, proof: [] };

  test('between equal heads is empty', () => expect(faultOf(() => verifyConsistency(claim))).toBe('none'));

  test.each([
    ['from an empty tree, even to itself', { size1: 0, size2: 0 }, 'size'],
    ['from an empty tree to another', { size1: 0 }, 'size'],
    ['back to an earlier size', { size1: 2 }, 'size'],
    ['between sizes that are no integers', { size1: 0.5, size2: 0.5 }, 'size'],
    ['to a size that JavaScript rounds', { size2: 2 ** 53 }, 'size'],
    ['between two roots of one size', { root2: Buffer.alloc(32) }, 'consistency'],
    ['between equal heads, with a hash', { proof: [hash] }, 'consistency'],
    ['that is missing', { size2: 2 }, 'consistency'],
    ['that is missing, from a size that is no power of two', { size1: 3, size2: 4 }, 'consistency'],
    [
      'that goes on beyond the root, to those of larger trees',
      {
        size1: 3,
        size2: 4,
        root1: nodeHash(hash, nodeHash(hash, hash)),
        root2: nodeHash(hash, nodeHash(hash, nodeHash(hash, hash))),
        proof: [hash, hash, hash, hash],
      },
      'consistency',
    ],
    ['with a root of 31 bytes', { size2: 2, root1: hash.subarray(1), proof: [hash] }, 'hash'],
    ['with a hash of 33 bytes', { size2: 2, proof: [Buffer.alloc(33)] }, 'hash'],
  ] as const)('%s is refused', (_what, change, fault) => {
    expect(faultOf(() => verifyConsistency({ ...claim, ...change }))).toBe(fault);
  });
});
