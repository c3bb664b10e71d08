import { TallystickError } from '@tallystick/core';
import { openCheckpoint } from '../tlog/checkpoint.ts';
import { readCompactRange } from '../tlog/prove.ts';
import type { NoteVerifier } from '../tlog/signed-note.ts';
import { tilesOfGrowth } from '../tlog/tile-growth.ts';
import { tileHashReader } from '../tlog/tile-reader.ts';
import { formatTilePath, parseTilePath, TILE_WIDTH, type Tile } from '../tlog/tile.ts';
import { TlogError } from '../tlog/tlog-error.ts';
import type { ReadLogFile } from '../verify/read-log-file.ts';
import { AnchorError } from './anchor-error.ts';
import { fullTileReader, rowBelow } from './full-tiles.ts';
import { provenGrowth } from './replica-growth.ts';
import { readFullBundle, readLastBundle } from './replica-source.ts';
import type { ReplicaTarget } from './replica-target.ts';
import { headPath } from './replicated-head.ts';

/** The inputs of {@link openReplica}. */
export interface ReplicaOptions {
  /** Reads the files of the log. */
  readonly readFile: ReadLogFile;
  readonly target: ReplicaTarget;
  /** Where the log is in the target; its origin, for one. Its files have their own paths below. */
  readonly folder: string;
  /** The key that signs the heads of the log. */
  readonly log: NoteVerifier;
}

/** How far a log is replicated. */
export interface Replicated {
  /**
   * So many records are in the target, under a head of that size that the log has signed, and were read back from there.
   * This is what the durability `replicated` means.
   */
  readonly size: number;
}

/** A copy of the tiles and the anchored heads of one log. */
export interface Replica {
  /** Undefined until something was replicated in this life: what an earlier one left is checked first. */
  readonly replicated: Replicated | undefined;
  /**
   * Copies what is missing, up to a head, and the head. It may be stopped anywhere and called again, by another process
   * too; it writes nothing over anything. One call at a time, with heads that only grow.
   *
   * @param checkpoint An anchored head, signed by the log.
   * @throws {AnchorError} `replica_unavailable`, `replica_differs` or `replica_source`
   * @throws {TlogError} as {@link openCheckpoint}
   */
  replicate(checkpoint: Uint8Array, signal?: AbortSignal): Promise<Replicated>;
}

/**
 * Returns the replica of a log, which begins where the target ends.
 *
 * @throws {AnchorError} `replica_unavailable` or `replica_differs`, as a rejection
 */
export async function openReplica({ readFile, target, folder, log }: ReplicaOptions): Promise<Replica> {
  const readTarget = fullTileReader(target, folder);
  const { full, size: held, partial: left } = await asked(() => tilesIn(target, folder));
  // The last one may not have been read back, nor the tiles above it written: it is done again.
  const checkedSize = Math.max(0, full - 1) * TILE_WIDTH;
  const range = await asked(() => readCompactRange(checkedSize, tileHashReader(checkedSize, readTarget)));
  let replicated: Replicated | undefined;

  const store = async (path: string, content: Uint8Array): Promise<void> => {
    await target.putIfAbsent(path, content);
    const kept = await target.get(path);
    if (kept && Buffer.compare(kept, content) === 0) return;
    throw new AnchorError('replica_differs', `"${path}" is not in the replica as it is in the log`);
  };
  const storeTile = (tile: Tile, content: Uint8Array): Promise<void> =>
    store(`${folder}/${formatTilePath(tile)}`, content);

  /** The partial tiles of the newest head, and those that they stand for. */
  let partial: ReadonlySet<string> = new Set();
  let superseded: ReadonlySet<string> = left;
  /** Copies the records behind the last full bundle, and the tiles of a log that ends there. */
  const copyTail = async (size: number, row: Buffer): Promise<void> => {
    const tiles: [Tile, Uint8Array][] = [];
    for (let level = 0, had = size; had > 0; level++, had = Math.floor(had / TILE_WIDTH)) {
      const tile = { level, index: Math.floor(had / TILE_WIDTH), width: had % TILE_WIDTH };
      if (tile.width === 0) continue;
      if (level === 0) tiles.push([{ ...tile, level: 'entries' }, await readLastBundle(readFile, tile, row)]);
      tiles.push([tile, level === 0 ? row : await rowBelow(tile, readTarget)]);
    }
    for (const [tile, content] of tiles) await storeTile(tile, content);
    const stored = new Set(tiles.map(([tile]) => `${folder}/${formatTilePath(tile)}`));
    superseded = superseded.union(partial).difference(stored);
    partial = stored;
  };

  /** Copies 256 records, their hashes, and every tile above that they fill. */
  const copy = async (index: number, digest: Buffer): Promise<void> => {
    const { bundle, row } = await readFullBundle(readFile, index, digest);
    await storeTile({ level: 'entries', index, width: TILE_WIDTH }, bundle);
    await storeTile({ level: 0, index, width: TILE_WIDTH }, row);
    for (const tile of tilesOfGrowth(index * TILE_WIDTH, (index + 1) * TILE_WIDTH)) {
      if (tile.width < TILE_WIDTH || tile.level === 'entries' || tile.level === 0) continue;
      await storeTile(tile, await rowBelow(tile, readTarget));
    }
    for (let at = 0; at < row.length; at += 32) range.append(row.subarray(at, at + 32));
  };

  return {
    get replicated() {
      return replicated;
    },
    replicate: (checkpoint, signal) =>
      asked(async () => {
        const head = openCheckpoint(checkpoint, log, 'refuse');
        if (head.size < Math.max(held, range.size, replicated?.size ?? 0)) {
          throw new AnchorError('replica_differs', `the replica has more records than the head, of ${head.size}`);
        }
        const { digests, tail } = await provenGrowth(range, head, readFile);
        for (const digest of digests) {
          signal?.throwIfAborted();
          await copy(range.size / TILE_WIDTH, digest);
        }
        await copyTail(head.size, tail);
        await store(headPath(folder, head.size, checkpoint), checkpoint);
        replicated = { size: head.size };
        // The head before had them until now.
        for (const path of superseded) await target.remove(path);
        superseded = new Set();
        return replicated;
      }, signal),
  };
}

/**
 * Returns how many full tiles of level 0 there are without a gap, which are written after the bundles that they are of,
 * how many records all tiles together have, and the paths of the partial ones with their bundles.
 */
async function tilesIn(
  target: ReplicaTarget,
  folder: string,
): Promise<{ full: number; size: number; partial: Set<string> }> {
  const paths = await target.list(`${folder}/tile/0`);
  const tiles = paths.map((path) => parseTilePath(path.slice(folder.length + 1)));
  const found = new Set(tiles.filter(({ width }) => width === TILE_WIDTH).map(({ index }) => index));
  let full = 0;
  while (found.has(full)) full += 1;
  const partial = tiles.filter(({ width }) => width < TILE_WIDTH);
  const both = partial.flatMap((tile) => [{ ...tile, level: 'entries' } as const, tile]);
  const size = tiles.reduce((most, { index, width }) => Math.max(most, index * TILE_WIDTH + width), 0);
  return { full, size, partial: new Set(both.map((tile) => `${folder}/${formatTilePath(tile)}`)) };
}

/** Gives what the target throws a code of ours. */
async function asked<T>(act: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    if (signal?.aborted) throw cause;
    if (cause instanceof TlogError && (cause.fault === 'tile' || cause.fault === 'tile_path')) {
      throw new AnchorError('replica_differs', 'the replica holds what is no tile of a log, or lacks one', cause);
    }
    if (TallystickError.is(cause)) throw cause;
    throw new AnchorError(
      'replica_unavailable',
      'the log could not be read, or its replica not be read or written',
      cause,
    );
  }
}
