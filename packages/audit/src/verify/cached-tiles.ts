import type { TileReader } from '../tlog/tile-reader.ts';
import { formatTilePath } from '../tlog/tile.ts';
import { TlogError } from '../tlog/tlog-error.ts';
import { findTile, type ReadLogFile } from './read-log-file.ts';

/** Tiles that are kept: as many as lie above one leaf and its neighbour, and a few more. */
const KEPT_TILES = 64;

/**
 * Returns a reader of the tiles of a log that keeps the last ones: proofs of heads that follow each other share them.
 * It throws {@link TlogError} `tile` for one that is missing.
 */
export function cachedTiles(readFile: ReadLogFile): TileReader {
  const kept = new Map<string, Uint8Array>();
  return async (tile) => {
    const path = formatTilePath(tile);
    const known = kept.get(path);
    if (known) return known;
    const found = await findTile(readFile, tile);
    if (!found) throw new TlogError('tile', `${path} is missing`);
    if (kept.size === KEPT_TILES) kept.delete(kept.keys().next().value!);
    kept.set(path, found.bytes);
    return found.bytes;
  };
}
