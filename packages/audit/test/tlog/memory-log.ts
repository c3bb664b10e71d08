import { leafHash, merkleRoot } from '@tallystick/core';
import {
  CompactRange,
  encodeEntryBundle,
  formatTilePath,
  tileHash,
  tilesOfGrowth,
  TILE_WIDTH,
  type Tile,
} from '../../src/index.ts';

/** A log in memory: its leaves, and its tiles by path, as a writer would have left them. */
export interface MemoryLog {
  readonly size: number;
  readonly entries: readonly Buffer[];
  readonly leafHashes: readonly Buffer[];
  readonly root: Buffer;
  readonly tiles: ReadonlyMap<string, Buffer>;
  readTile(tile: Tile): Promise<Uint8Array>;
}

/** Returns a log of so many leaves, `entry 0` and on, written at once. */
export function memoryLog(size: number): MemoryLog {
  const entries = Array.from({ length: size }, (_, i) => Buffer.from(`entry ${i}`));
  const leafHashes = entries.map((entry) => leafHash(entry));
  const range = new CompactRange();
  for (const hash of leafHashes) range.append(hash);
  const tiles = new Map<string, Buffer>();
  // A tile of a level is made from the full tiles below it, which come before it.
  for (const tile of tilesOfGrowth(0, size)) tiles.set(formatTilePath(tile), bytesOf(tile, entries, leafHashes, tiles));
  return {
    size,
    entries,
    leafHashes,
    root: range.root(),
    tiles,
    async readTile(tile) {
      const bytes = tiles.get(formatTilePath(tile));
      if (!bytes) throw new Error(`${formatTilePath(tile)} is not among the tiles of the log`);
      return bytes;
    },
  };
}

/** Returns the root of the first leaves by the definition. */
export function rootOf(log: MemoryLog, size: number): Buffer {
  return merkleRoot(log.leafHashes.slice(0, size));
}

function bytesOf(
  { level, index, width }: Tile,
  entries: readonly Buffer[],
  leafHashes: readonly Buffer[],
  tiles: ReadonlyMap<string, Buffer>,
): Buffer {
  const from = index * TILE_WIDTH;
  if (level === 'entries') return encodeEntryBundle(entries.slice(from, from + width));
  if (level === 0) return Buffer.concat(leafHashes.slice(from, from + width));
  return Buffer.concat(
    Array.from({ length: width }, (_, i) =>
      tileHash(tiles.get(formatTilePath({ level: level - 1, index: from + i, width: TILE_WIDTH }))!),
    ),
  );
}
