import { leafHash, merkleRoot } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import { tileHash } from '../../src/index.ts';
import { faultOf } from './fault-of.ts';

const hashes = Array.from({ length: 256 }, (_, i) => leafHash(Buffer.of(i)));

describe('the hash of a full tile (tlog-tiles, Merkle Tree)', () => {
  test('is the Merkle tree hash over its row, and leaves the row as it was', () => {
    const row = Buffer.concat(hashes);
    expect(tileHash(row)).toEqual(merkleRoot(hashes));
    expect(row).toEqual(Buffer.concat(hashes));
  });

  test.each([0, 32, 8191, 8193, 255 * 32, 257 * 32])('is not that of %d bytes: only a full tile has one', (length) => {
    expect(faultOf(() => tileHash(Buffer.alloc(length)))).toBe('tile');
  });
});
