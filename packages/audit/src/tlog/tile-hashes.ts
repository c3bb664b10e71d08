import { hash } from 'node:crypto';
import { TILE_WIDTH } from './tile.ts';
import { TlogError } from './tlog-error.ts';

const HASH = 32;
/** Bytes of a full tile of hashes (tlog-tiles, Merkle Tree). */
export const TILE_BYTES = TILE_WIDTH * HASH;

/**
 * Returns the hash that stands for a full tile in the level above it: the Merkle tree hash over its row
 * (tlog-tiles, Merkle Tree).
 *
 * @throws {TlogError} `tile`: it is not full; a partial tile is never hashed into the level above.
 */
export function tileHash(tile: Uint8Array): Buffer {
  if (tile.length !== TILE_BYTES) {
    throw new TlogError('tile', `a full tile has ${TILE_BYTES} bytes, not ${tile.length}`);
  }
  return rowHash(tile, 0, TILE_WIDTH);
}

/**
 * Returns the Merkle tree hash over `count` hashes of a row, a power of two, the first at position `from`.
 *
 * @throws {TlogError} `tile`: the row ends before.
 */
export function rowHash(row: Uint8Array, from: number, count: number): Buffer {
  if ((from + count) * HASH > row.length) throw new TlogError('tile', `a tile ends before its hash ${from + count}`);
  const work = Buffer.from(row.subarray(from * HASH, (from + count) * HASH));
  for (let left = count / 2; left >= 1; left /= 2) {
    for (let i = 0; i < left; i += 1) {
      // Each pair of hashes is replaced by its parent, in place.
      work.copy(NODE, 1, i * 2 * HASH, (i + 1) * 2 * HASH);
      work.write(hash('sha256', NODE, 'binary'), i * HASH, 'binary');
    }
  }
  return Buffer.from(work.subarray(0, HASH));
}

const NODE = Buffer.alloc(1 + 2 * HASH, 1);
