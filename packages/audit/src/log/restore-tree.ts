import type { CompactRange } from '../tlog/compact-range.ts';
import { readCompactRange, readRoot } from '../tlog/prove.ts';
import { tileHashReader, type TileReader } from '../tlog/tile-reader.ts';
import { TILE_WIDTH } from '../tlog/tile.ts';
import { LogError, type LogFault } from './log-error.ts';
import type { Leaves } from './tail.ts';
import { TileRows } from './tile-rows.ts';

const HASH_BYTES = 32;

/** A root that the tree must have at a size, and what is wrong where it has not. */
export interface ExpectedRoot {
  readonly size: number;
  readonly root: Uint8Array;
  readonly fault: LogFault;
  readonly description: string;
}

/** The tree of a log, restored. */
export interface RestoredTree {
  /** Over all records. */
  readonly range: CompactRange;
  /** Of the records below `firstSeq`, in whole tiles. */
  readonly rows: TileRows;
  /** Leaf hashes from `rows.size` on: those that are in tiles, then the journal's. */
  leafHash(seq: number): Uint8Array;
}

/** What {@link restoreTree} restores from. */
export interface TreeSources {
  readonly readTile: TileReader;
  /** Size of the published log: its tiles are there. */
  readonly publishedSize: number;
  readonly journal: Leaves;
  /** The records that the journal holds: `[firstSeq, nextSeq)`. */
  readonly firstSeq: number;
  readonly nextSeq: number;
}

/**
 * Restores the tree from the tiles, as far as the journal has given records away, and from the journal's own records,
 * and holds it to the roots that were signed.
 *
 * @throws {LogError} `tiles_damaged`: a tile is missing or has another length; and the faults of `expected`.
 */
export async function restoreTree(sources: TreeSources, expected: readonly ExpectedRoot[]): Promise<RestoredTree> {
  const { readTile, publishedSize, journal, firstSeq, nextSeq } = sources;
  const base = Math.floor(firstSeq / TILE_WIDTH) * TILE_WIDTH;
  const hashes = tileHashReader(publishedSize, readTile);
  const fromTiles = async (): Promise<{ range: CompactRange; rows: TileRows; shared: Uint8Array }> => {
    for (const each of expected) if (each.size < base) compare(each, await readRoot(each.size, hashes));
    // The journal begins within a bundle: its first leaves are in the tile that the bundle's hashes are in.
    const shared = firstSeq === base ? new Uint8Array() : await readTile(tileAt(base));
    return {
      range: await readCompactRange(base, hashes),
      rows: await TileRows.read(base, publishedSize, readTile),
      shared,
    };
  };
  const { range, rows, shared } = await fromTiles().catch((cause: unknown) => {
    if (cause instanceof LogError) throw cause;
    throw new LogError('tiles_damaged', 'the tiles of the log are not complete', cause);
  });
  const leafHash = (seq: number): Uint8Array => {
    const at = (seq - base) * HASH_BYTES;
    return seq < firstSeq ? shared.subarray(at, at + HASH_BYTES) : journal.leafHash(seq);
  };
  const check = (): void => {
    for (const each of expected) if (each.size === range.size) compare(each, range.root());
  };
  check();
  while (range.size < nextSeq) {
    range.append(leafHash(range.size));
    check();
  }
  return { range, rows, leafHash };
}

function tileAt(seq: number): { level: 0; index: number; width: number } {
  return { level: 0, index: seq / TILE_WIDTH, width: TILE_WIDTH };
}

function compare({ root, fault, description }: ExpectedRoot, found: Uint8Array): void {
  if (Buffer.compare(root, found) !== 0) throw new LogError(fault, description);
}
