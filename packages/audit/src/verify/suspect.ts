import { rowHash } from '../tlog/tile-hashes.ts';
import { TILE_WIDTH } from '../tlog/tile.ts';

/** A tile that does not say what is derived below it, before it is known which of the two is wrong. */
export interface Suspect {
  readonly level: number;
  readonly index: number;
  readonly width: number;
  /** The file of the tile; at level 0 also that of the bundle whose records were hashed. */
  readonly file: string;
  readonly bundle?: string;
  /** The stored hashes that differ from the derived ones, by position. */
  readonly stored: ReadonlyMap<number, Uint8Array>;
  /** The hash over the whole row as it is stored; undefined for a partial tile, which has none above it. */
  readonly storedHash: Uint8Array | undefined;
}

/** Returns the suspect that a tile is, or undefined where its row is the derived one. */
export function suspectOf(
  tile: Pick<Suspect, 'level' | 'index' | 'file' | 'bundle'>,
  derived: Uint8Array,
  storedRow: Uint8Array,
): Suspect | undefined {
  if (Buffer.compare(derived, storedRow) === 0) return undefined;
  const stored = new Map<number, Uint8Array>();
  const width = derived.length / 32;
  for (let i = 0; i < width; i += 1) {
    const each = storedRow.subarray(i * 32, i * 32 + 32);
    if (Buffer.compare(derived.subarray(i * 32, i * 32 + 32), each) !== 0) stored.set(i, each);
  }
  return { ...tile, width, stored, storedHash: width === TILE_WIDTH ? rowHash(storedRow, 0, TILE_WIDTH) : undefined };
}
