import { isCount } from './decimal.ts';
import { TlogError } from './tlog-error.ts';

/** Hashes, or entries, in a full tile (tlog-tiles, Merkle Tree). */
export const TILE_WIDTH = 256;

/** One tile of a log: a row of hashes at a level, or a bundle of entries (tlog-tiles, Merkle Tree and Log entries). */
export interface Tile {
  /** Level of the hashes, 0 for those of leaves, or `entries` for a bundle. */
  readonly level: number | 'entries';
  /** Position within the level, from 0. */
  readonly index: number;
  /** Number of hashes or entries: 256 in a full tile, 1 to 255 in a partial one. */
  readonly width: number;
}

/** Returns the path of a tile below the log's folder or URL, e.g. `tile/0/x001/x234/067.p/112`. */
export function formatTilePath({ level, index, width }: Tile): string {
  if (!isTile(level, index, width)) {
    throw new TlogError('tile_path', `no tile at level ${level} has index ${index} and width ${width}`);
  }
  let path = threeDigits(index % 1000);
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    path = `x${threeDigits(rest % 1000)}/${path}`;
  }
  return `tile/${level}/${path}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/**
 * Returns the tile that a path names. It has one spelling: no spare group of zeros, no leading zero in level or
 * width.
 *
 * @throws {TlogError} `tile_path`.
 */
export function parseTilePath(path: string): Tile {
  const parts = PATH.exec(path);
  if (!parts) throw new TlogError('tile_path', 'the path is not that of a tile');
  const [, level, groups, last, width] = parts as unknown as [string, string, string, string, string | undefined];
  const tile: Tile = {
    level: level === 'entries' ? level : Number(level),
    index: Number(groups.replaceAll(/[x/]/g, '') + last),
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  if (!isTile(tile.level, tile.index, tile.width) || formatTilePath(tile) !== path) {
    throw new TlogError('tile_path', 'the path is not that of a tile');
  }
  return tile;
}

/** Levels go to 63 in paths, and indices as far as JavaScript counts; the groups of an index are three digits each. */
const PATH = /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/){0,5})([0-9]{3})(?:\.p\/([0-9]{1,3}))?$/;

function isTile(level: number | 'entries', index: number, width: number): boolean {
  if (level !== 'entries' && !(isCount(level) && level <= 63)) return false;
  return isCount(index) && isCount(width) && width >= 1 && width <= TILE_WIDTH;
}

const threeDigits = (value: number): string => String(value).padStart(3, '0');
