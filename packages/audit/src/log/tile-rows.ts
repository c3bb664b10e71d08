import { encodeEntryBundle } from '../tlog/entry-bundle.ts';
import { tilesOfGrowth, tileWidth } from '../tlog/tile-growth.ts';
import { TILE_BYTES, tileHash } from '../tlog/tile-hashes.ts';
import type { TileReader } from '../tlog/tile-reader.ts';
import { formatTilePath, TILE_WIDTH, type Tile } from '../tlog/tile.ts';
import type { Leaves, TileLeaves } from './tail.ts';

/** A tile and how to make its content, so that not all of a long growth is in memory at once. */
export interface TileContent {
  readonly tile: Tile;
  content(): Uint8Array;
}

const HASH_BYTES = 32;

/** The last, partial tile of each level above the leaves': what the tiles of a growing log are made from. */
export class TileRows {
  /** Of level `i + 1`, each shorter than a full tile. */
  readonly #rows: Row[];
  #size: number;

  private constructor(size: number, rows: Row[]) {
    this.#size = size;
    this.#rows = rows;
  }

  static empty(): TileRows {
    return new TileRows(0, []);
  }

  /** Returns the rows of a log of `size` leaves, from the tiles of the same log when it had `tiledSize`, which is not less. */
  static async read(size: number, tiledSize: number, readTile: TileReader): Promise<TileRows> {
    const rows: Row[] = [];
    for (let level = 1, has = Math.floor(size / TILE_WIDTH); has > 0; level++, has = Math.floor(has / TILE_WIDTH)) {
      const index = Math.floor(has / TILE_WIDTH);
      const width = tileWidth(level, index, size);
      const tile = { level, index, width: tileWidth(level, index, tiledSize) };
      const row = new Row();
      if (width > 0) row.append((await readTile(tile)).subarray(0, width * HASH_BYTES));
      rows.push(row);
    }
    return new TileRows(size, rows);
  }

  /** The size of the log whose rows they are. */
  get size(): number {
    return this.#size;
  }

  /** Grows to `to` leaves and returns the tiles that came to be or became wider, bundles first. */
  grow(to: number, leaves: TileLeaves): TileContent[] {
    const from = this.#size;
    const full = new Map<string, Buffer>();
    for (let index = Math.floor(from / TILE_WIDTH); index < Math.floor(to / TILE_WIDTH); index++) {
      this.#append(1, tileHash(leaves.lowestTile({ level: 0, index, width: TILE_WIDTH })), index, full);
    }
    this.#size = to;
    return [...tilesOfGrowth(from, to)].map((tile) => {
      if (tile.level === 'entries') return { tile, content: () => leaves.entryBundle(tile) };
      if (tile.level === 0) return { tile, content: () => leaves.lowestTile(tile) };
      const content = full.get(formatTilePath(tile)) ?? this.#rows[tile.level - 1]!.content();
      return { tile, content: () => content };
    });
  }

  /** Appends the hash of the full tile `index` of the level below; a row that is full with it becomes a tile itself. */
  #append(level: number, hash: Buffer, index: number, full: Map<string, Buffer>): void {
    const row = (this.#rows[level - 1] ??= new Row());
    row.append(hash);
    if (!row.isFull) return;
    const content = row.content();
    row.clear();
    const own = Math.floor(index / TILE_WIDTH);
    full.set(formatTilePath({ level, index: own, width: TILE_WIDTH }), content);
    this.#append(level + 1, tileHash(content), own, full);
  }
}

/**
 * Hashes of one level that do not fill a tile yet, in memory of their own: as buffers they would each keep the piece of
 * Node's pool alive that they were cut from, which is two thousand times as large.
 */
class Row {
  readonly #hashes = Buffer.allocUnsafeSlow(TILE_BYTES);
  #bytes = 0;

  get isFull(): boolean {
    return this.#bytes === TILE_BYTES;
  }

  append(hashes: Uint8Array): void {
    this.#hashes.set(hashes, this.#bytes);
    this.#bytes += hashes.length;
  }

  /** Returns a copy. */
  content(): Buffer {
    return Buffer.from(this.#hashes.subarray(0, this.#bytes));
  }

  clear(): void {
    this.#bytes = 0;
  }
}

/** Returns what tiles are made from, from single leaves. */
export function tileLeavesOf(leaves: Leaves): TileLeaves {
  return {
    entryBundle: (tile) => encodeEntryBundle(sequenceOf(tile).map((seq) => leaves.record(seq))),
    lowestTile: (tile) => Buffer.concat(sequenceOf(tile).map((seq) => leaves.leafHash(seq))),
  };
}

function sequenceOf({ index, width }: Tile): number[] {
  return Array.from({ length: width }, (_, i) => index * TILE_WIDTH + i);
}
