import { hash } from 'node:crypto';
import { leafHash } from '@tallystick/core';
import { decodeEntryBundle, encodeEntryBundle } from '../tlog/entry-bundle.ts';
import { formatTilePath, TILE_WIDTH, type Tile } from '../tlog/tile.ts';
import { TlogError } from '../tlog/tlog-error.ts';
import { findTile, type ReadLogFile } from '../verify/read-log-file.ts';
import { AnchorError } from './anchor-error.ts';

/**
 * Returns a full bundle of the log and its hashes, which are the ones that lead to the signed head.
 *
 * @param digest SHA-256 of the hashes.
 * @throws {AnchorError} `replica_source`, as a rejection
 */
export async function readFullBundle(
  readFile: ReadLogFile,
  index: number,
  digest: Buffer,
): Promise<{ bundle: Uint8Array; row: Uint8Array }> {
  const path = formatTilePath({ level: 'entries', index, width: TILE_WIDTH });
  const bundle = await readFile(path);
  const row = await readFile(formatTilePath({ level: 0, index, width: TILE_WIDTH }));
  if (bundle && row && hash('sha256', row, 'buffer').equals(digest)) {
    if (Buffer.compare(leafHashesOf(bundle), row) === 0) return { bundle, row };
  }
  throw new AnchorError('replica_source', `"${path}" does not hold the records that lead to the signed head`);
}

/**
 * Returns the partial bundle that belongs to a tile of level 0: the records of these hashes.
 *
 * @throws {AnchorError} `replica_source`, as a rejection
 */
export async function readLastBundle(readFile: ReadLogFile, { index, width }: Tile, row: Buffer): Promise<Uint8Array> {
  const found = await findTile(readFile, { level: 'entries', index, width });
  const bundle = found?.wider ? beginningOf(found.bytes, width) : found?.bytes;
  if (bundle && Buffer.compare(leafHashesOf(bundle, width), row) === 0) return bundle;
  throw new AnchorError('replica_source', `the last ${width} records of the log do not lead to the signed head`);
}

/** Returns the first records of a full bundle as a bundle; nothing of what is no such bundle. */
function beginningOf(bundle: Uint8Array, width: number): Uint8Array | undefined {
  try {
    return encodeEntryBundle(decodeEntryBundle(bundle, TILE_WIDTH).slice(0, width));
  } catch (error) {
    if (error instanceof TlogError) return undefined;
    throw error;
  }
}

/** Returns the hashes of the records of a bundle of so many; none of what is no such bundle. */
function leafHashesOf(bundle: Uint8Array, width = TILE_WIDTH): Buffer {
  try {
    return Buffer.concat(decodeEntryBundle(bundle, width).map((entry) => leafHash(entry)));
  } catch (error) {
    if (error instanceof TlogError) return Buffer.alloc(0);
    throw error;
  }
}
