import { hash } from 'node:crypto';
import type { Checkpoint } from '../tlog/checkpoint.ts';
import { CompactRange } from '../tlog/compact-range.ts';
import { readRoot } from '../tlog/prove.ts';
import { TILE_BYTES } from '../tlog/tile-hashes.ts';
import { tileHashReader, type TileReader } from '../tlog/tile-reader.ts';
import { formatTilePath, TILE_WIDTH } from '../tlog/tile.ts';
import { findTile, type ReadLogFile } from '../verify/read-log-file.ts';
import { AnchorError } from './anchor-error.ts';

const HASH = 32;

/** By which records a log has grown, as its tiles of level 0 have their hashes. */
export interface ProvenGrowth {
  /** The SHA-256 of each full tile, from the first on. */
  readonly digests: readonly Buffer[];
  /** The hashes of the records behind them: fewer than 256. */
  readonly tail: Buffer;
}

/**
 * Returns by what a log has grown since a replica was made: the tiles lead to the signed head, so that nothing is copied
 * for good that its log has not signed.
 *
 * @param range The tree that is replicated; it stays as it is.
 * @throws {AnchorError} `replica_source`: the tiles do not lead to the head; `replica_differs`: those of the replica are
 *   others than the log has
 */
export async function provenGrowth(
  range: CompactRange,
  head: Checkpoint,
  readFile: ReadLogFile,
): Promise<ProvenGrowth> {
  let tail = Buffer.alloc(0);
  const grown = CompactRange.restore(range.size, range.edge());
  const digests: Buffer[] = [];
  for (let index = range.size / TILE_WIDTH; grown.size < head.size; index++) {
    const width = Math.min(TILE_WIDTH, head.size - grown.size);
    const bytes = (await findTile(readFile, { level: 0, index, width }))?.bytes;
    if (!bytes || bytes.length < width * HASH || bytes.length > TILE_BYTES) throw notLeading(head);
    for (let at = 0; at < width; at++) grown.append(bytes.subarray(at * HASH, (at + 1) * HASH));
    if (width === TILE_WIDTH) digests.push(hash('sha256', bytes, 'buffer'));
    else tail = Buffer.from(bytes.subarray(0, width * HASH));
  }
  if (Buffer.compare(grown.root(), head.root) === 0) return { digests, tail };
  const own = await readRoot(range.size, tileHashReader(head.size, logTileReader(readFile)));
  if (Buffer.compare(own, range.root()) === 0) throw notLeading(head);
  throw new AnchorError('replica_differs', `the first ${range.size} records of the replica are not those of the log`);
}

/** Returns a reader of the tiles in the log's own folder. */
function logTileReader(readFile: ReadLogFile): TileReader {
  return async (tile) => {
    const found = await findTile(readFile, tile);
    if (!found) throw new AnchorError('replica_source', `"${formatTilePath(tile)}" is not in the log`);
    return found.bytes;
  };
}

function notLeading({ size }: Checkpoint): AnchorError {
  return new AnchorError('replica_source', `the tiles of the log do not lead to its head of ${size} records`);
}
