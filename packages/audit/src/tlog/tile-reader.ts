import { isCount } from './decimal.ts';
import type { HashReader } from './prove.ts';
import { tileWidth } from './tile-growth.ts';
import { rowHash, TILE_BYTES } from './tile-hashes.ts';
import { formatTilePath, type Tile } from './tile.ts';
import { TlogError } from './tlog-error.ts';
import type { TreeNode } from './tree-ranges.ts';

/**
 * Returns the bytes of a tile. Where a partial one is gone because the full one exists, it may return the full one
 * (tlog-tiles, Partial Tiles). It caches as it likes; it is asked for each tile once in one question.
 */
export type TileReader = (tile: Tile) => Promise<Uint8Array>;

/** Levels of the tree between two levels of tiles. */
const TILE_HEIGHT = 8;

/**
 * Returns a reader of hashes that finds them in the tiles of a log of `size` leaves, all tiles of one question at the
 * same time. Its hashes are as good as the tiles: only a proof, checked against a signed root, says that they are.
 *
 * It throws {@link TlogError} `size` for a node that a log of this size has not, `tile` for a tile of the wrong
 * length.
 */
export function tileHashReader(size: number, readTile: TileReader): HashReader {
  if (!isCount(size)) throw new TlogError('size', `a tree has no size ${size}`);
  return async (nodes) => {
    const reads = new Map<string, Promise<Uint8Array>>();
    const tiles = nodes.map(async (node) => {
      const tile = tileOf(node, size);
      const path = formatTilePath(tile);
      let read = reads.get(path);
      if (!read) reads.set(path, (read = readTile(tile).then((bytes) => checkTile(bytes, tile))));
      return read;
    });
    const rows = await Promise.all(tiles);
    return nodes.map((node, i) => {
      const count = 2 ** (node.height % TILE_HEIGHT);
      return rowHash(rows[i]!, (node.index * count) % 256, count);
    });
  };
}

/** Returns the tile whose row has the node or the hashes below it, as wide as it is in a log of `size` leaves. */
function tileOf({ height, index }: TreeNode, size: number): Tile {
  const level = Math.floor(height / TILE_HEIGHT);
  const first = index * 2 ** (height % TILE_HEIGHT);
  const tile = { level, index: Math.floor(first / 256), width: 0 };
  const width = tileWidth(level, tile.index, size);
  if ((first % 256) + 2 ** (height % TILE_HEIGHT) > width) {
    throw new TlogError('size', `a log of ${size} leaves has no node ${index} at height ${height}`);
  }
  return { ...tile, width };
}

function checkTile(bytes: Uint8Array, tile: Tile): Uint8Array {
  if (bytes.length === tile.width * 32 || bytes.length === TILE_BYTES) return bytes;
  throw new TlogError('tile', `${formatTilePath(tile)} has ${bytes.length} bytes, not ${tile.width * 32}`);
}
