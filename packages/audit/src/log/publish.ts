import { formatTilePath, TILE_WIDTH, type Tile } from '../tlog/tile.ts';
import { fileError, LogError } from './log-error.ts';
import type { LogFiles } from './log-files.ts';
import { writePublishedHead, type SignedHead } from './published-head.ts';
import type { Tail } from './tail.ts';
import type { TileRows } from './tile-rows.ts';
import type { TileWriter } from './write-tiles.ts';

/** What a publication is made from, and goes to. */
export interface PublishingParts {
  readonly files: LogFiles;
  readonly writer: TileWriter;
  readonly rows: TileRows;
  readonly tail: Tail;
}

/** What a publication has done. */
export interface Publication {
  /** Bytes of the tiles that it wrote. */
  readonly bytes: number;
  /** All records below are in full bundles, which are durable and were read back as they were written. */
  readonly bundledTo: number;
}

/**
 * Publishes a durable head: its tiles, then the head itself; then removes the partial tiles that full ones replace.
 * When it rejects, the log must not be published again in this life.
 *
 * @throws {LogError} `tile_differs`, `write_failed`, `disk_full`
 */
export async function publishHead(parts: PublishingParts, head: SignedHead): Promise<Publication> {
  const { files, writer, rows, tail } = parts;
  try {
    const tiles = rows.grow(head.size, tail);
    const bytes = await writer.write(tiles);
    await writePublishedHead(files, head);
    const full = tiles.map(({ tile }) => tile).filter(({ width }) => width === TILE_WIDTH);
    await readBack(files, full, tail);
    await writer.removePartials(full);
    return { bytes, bundledTo: Math.floor(head.size / TILE_WIDTH) * TILE_WIDTH };
  } catch (cause) {
    throw fileError('the tiles of the log could not be written', cause);
  }
}

/** Throws unless full bundles and their hashes read as they were written: after that the journal's copy may go. */
async function readBack(files: LogFiles, full: readonly Tile[], tail: Tail): Promise<void> {
  let scratch: Buffer | undefined;
  const check = async (tile: Tile, written: Uint8Array): Promise<void> => {
    if (!scratch || scratch.length <= written.length) scratch = Buffer.allocUnsafeSlow(written.length * 2);
    const found = await files.read(formatTilePath(tile), scratch);
    if (!found?.equals(written)) {
      throw new LogError('tile_differs', `"${formatTilePath(tile)}" is not read back as it was written`);
    }
  };
  for (const bundle of full) {
    if (bundle.level !== 'entries') continue;
    const hashes: Tile = { ...bundle, level: 0 };
    await check(bundle, tail.entryBundle(bundle));
    await check(hashes, tail.lowestTile(hashes));
  }
}
