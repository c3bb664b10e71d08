import { tileHash } from '../tlog/tile-hashes.ts';
import type { TileReader } from '../tlog/tile-reader.ts';
import { formatTilePath, TILE_WIDTH, type Tile } from '../tlog/tile.ts';
import { TlogError } from '../tlog/tlog-error.ts';
import type { ReplicaTarget } from './replica-target.ts';

/**
 * Returns a reader of tiles that has full ones alone, as a replica does: the row of a partial one is made from the full
 * tiles below it (tlog-tiles, Merkle Tree). Of a log whose last bundle is full that is every tile.
 *
 * The reader throws {@link TlogError} `tile` for one that is not there.
 */
export function fullTileReader(target: ReplicaTarget, folder: string): TileReader {
  const read = async (tile: Tile): Promise<Uint8Array> => {
    if (tile.width === TILE_WIDTH) {
      const bytes = await target.get(`${folder}/${formatTilePath(tile)}`);
      if (!bytes) throw new TlogError('tile', `${formatTilePath(tile)} is not in the replica`);
      return bytes;
    }
    return rowBelow(tile, read);
  };
  return read;
}

/** Returns the content of a tile of a level above 0, by the full tiles that it stands for. */
export async function rowBelow({ level, index, width }: Tile, read: TileReader): Promise<Buffer> {
  if (level === 'entries' || level === 0) throw new TlogError('tile', 'the tiles of a replica are full');
  const row: Buffer[] = [];
  for (let i = 0; i < width; i++) {
    row.push(tileHash(await read({ level: level - 1, index: index * TILE_WIDTH + i, width: TILE_WIDTH })));
  }
  return Buffer.concat(row);
}
