import { decodeEntryBundle } from '../tlog/entry-bundle.ts';
import { tileWidth } from '../tlog/tile-growth.ts';
import type { TileReader } from '../tlog/tile-reader.ts';
import { formatTilePath, TILE_WIDTH, type Tile } from '../tlog/tile.ts';
import { TlogError } from '../tlog/tlog-error.ts';
import type { LogFiles } from './log-files.ts';

/** Returns a reader of a log's tiles; the full tile stands for a partial one that is gone (tlog-tiles, Partial Tiles). */
export function tileReaderOf(files: LogFiles): TileReader {
  return async (tile) => (await findTile(files, tile)).content;
}

/**
 * Returns the records of one bundle of a log of `size` leaves.
 *
 * @throws {TlogError} `tile`: it is not there; `bundle`: it is not one of so many records.
 */
export async function readBundle(files: LogFiles, index: number, size: number): Promise<Uint8Array[]> {
  const wanted: Tile = { level: 'entries', index, width: tileWidth('entries', index, size) };
  const { content, width } = await findTile(files, wanted);
  return decodeEntryBundle(content, width).slice(0, wanted.width);
}

async function findTile(files: LogFiles, tile: Tile): Promise<{ content: Buffer; width: number }> {
  for (const width of new Set([tile.width, TILE_WIDTH])) {
    const content = await files.read(formatTilePath({ ...tile, width }));
    if (content) return { content, width };
  }
  throw new TlogError('tile', `${formatTilePath(tile)} is not among the files of the log`);
}
