import { isCount } from './decimal.ts';
import { TILE_WIDTH, type Tile } from './tile.ts';
import { TlogError } from './tlog-error.ts';

/**
 * Yields the tiles that a log of `to` leaves has and one of `from` leaves had not, or had narrower: entry bundles
 * first, then the levels upwards, within each from left to right (tlog-tiles, Partial Tiles).
 *
 * The tiles of a whole log are its growth from 0.
 *
 * @throws {TlogError} `size`: not 0 <= from <= to.
 */
export function* tilesOfGrowth(from: number, to: number): Generator<Tile, void, undefined> {
  if (!isCount(from) || !isCount(to) || from > to) throw new TlogError('size', `no log grows from ${from} to ${to}`);
  yield* tilesOfRow('entries', from, to);
  for (let level = 0, had = from, has = to; has > 0; level += 1) {
    yield* tilesOfRow(level, had, has);
    had = Math.floor(had / TILE_WIDTH);
    has = Math.floor(has / TILE_WIDTH);
  }
}

/** Returns how wide a tile is in a log of `size` leaves: 0 where there is none yet. */
export function tileWidth(level: number | 'entries', index: number, size: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** (level === 'entries' ? 0 : level));
  return Math.max(0, Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH));
}

function* tilesOfRow(level: Tile['level'], had: number, has: number): Generator<Tile, void, undefined> {
  if (had === has) return;
  const full = Math.floor(has / TILE_WIDTH);
  for (let index = Math.floor(had / TILE_WIDTH); index < full; index += 1) yield { level, index, width: TILE_WIDTH };
  const width = has % TILE_WIDTH;
  if (width > 0) yield { level, index: full, width };
}
