import { formatTilePath, TILE_WIDTH, type Tile } from '../tlog/tile.ts';

/**
 * Returns the bytes of a file of a log's folder by its path below it, or undefined where there is none; the bytes are
 * the caller's. It throws where it cannot tell: what cannot be read is not judged. A verifier reads by nothing else.
 */
export type ReadLogFile = (path: string) => Uint8Array | undefined | Promise<Uint8Array | undefined>;

/** A tile as it was found: at its own path, or as the beginning of the full one that has replaced it. */
export interface FoundTile {
  readonly file: string;
  readonly bytes: Uint8Array;
  /** True where the file is the full tile, of which a log of this size has the beginning. */
  readonly wider: boolean;
}

/**
 * Returns the tile or bundle of a log: where a partial one is gone, the full one stands for it (tlog-tiles, Partial
 * Tiles).
 */
export async function findTile(readFile: ReadLogFile, tile: Tile): Promise<FoundTile | undefined> {
  const file = formatTilePath(tile);
  const bytes = await readFile(file);
  if (bytes) return { file, bytes, wider: false };
  if (tile.width === TILE_WIDTH) return undefined;
  const full = formatTilePath({ ...tile, width: TILE_WIDTH });
  const replaced = await readFile(full);
  return replaced && { file: full, bytes: replaced, wider: true };
}
