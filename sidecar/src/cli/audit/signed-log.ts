import {
  CompactRange,
  decodeEntryBundle,
  formatTilePath,
  judgeCheckpoint,
  NO_QUORUM,
  parseOrigin,
  readCompactRange,
  readLeaf,
  TILE_WIDTH,
  tileHashReader,
  type HashReader,
  type Leaf,
  type Tile,
} from '@tallystick/audit';
import { leafHash, TallystickError } from '@tallystick/core';
import { logPaths, readableLogs, type ReadLogs } from './readable-logs.ts';
import type { Trust } from './log-options.ts';

/** One log as far as its published head goes: what a writer has added since is not looked at. */
export interface SignedLog {
  /** Its folder below that of all logs: `<incarnation>/<shard>`. */
  readonly path: string;
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  /** The signed head, byte for byte. */
  readonly checkpoint: Uint8Array;
  readonly readFile: ReadLogs;
}

/**
 * Returns the logs of a folder under heads that a trusted key has signed, the oldest first.
 *
 * @throws {TallystickError} `log_invalid`: there is no log, or a head is refused.
 */
export function openSignedLogs(folder: string, trust: Trust): SignedLog[] {
  const readFile = readableLogs(folder);
  return logPaths(folder).map((path) => signedLog(path, readFile(`${path}/checkpoint`)!, readFile, trust));
}

function signedLog(path: string, checkpoint: Uint8Array, readFile: ReadLogs, { policy, source }: Trust): SignedLog {
  try {
    // The newest head is younger than its newest anchor.
    const { origin, size, root } = judgeCheckpoint(checkpoint, { ...policy, quorum: NO_QUORUM }, 'refuse');
    const { incarnation, shard } = parseOrigin(origin) ?? {};
    if (`${incarnation}/${shard}` !== path) {
      throw new TallystickError('log_invalid', 'it is the head of another log');
    }
    return { path, origin, size, root, checkpoint, readFile: (file) => readFile(`${path}/${file}`) };
  } catch (error) {
    if (!TallystickError.is(error)) throw error;
    throw new TallystickError('log_invalid', `the head of the log ${path} is refused: ${error.description}`, {
      remedy:
        source === 'folder'
          ? 'give the trust policy with --policy; "tallystick audit verify" says what else is wrong'
          : `give the key of this log too, by --${source}; each shard has a key of its own`,
    });
  }
}

/** Which leaves of a log are yielded. */
export interface LeafSelection {
  /** Edge of the leaves that are passed over: {@link edgeAt}. Without it, none are. */
  readonly edge?: CompactRange;
  /** Texts that a leaf must hold to be read at all: to read one takes ten times as long as to verify it. */
  readonly holding?: readonly Buffer[];
  /** Texts of which a leaf must hold one at least. */
  readonly holdingAny?: readonly Buffer[];
}

/**
 * Yields the leaves of a log, and throws in the end unless all of them, also those that are not yielded, are those under
 * its signed head. What it has yielded is evidence only once it is exhausted.
 *
 * @throws {TallystickError} `log_invalid`
 */
export function* signedLeaves(
  log: SignedLog,
  { edge, holding = [], holdingAny }: LeafSelection = {},
): Generator<Leaf, void> {
  const range = edge ?? new CompactRange();
  for (let index = range.size; index < log.size;) {
    for (const bytes of bundleOf(log, Math.floor(index / TILE_WIDTH)).slice(index % TILE_WIDTH)) {
      range.append(leafHash(bytes));
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const isMeant =
        holding.every((each) => text.includes(each)) && (holdingAny?.some((each) => text.includes(each)) ?? true);
      if (isMeant) yield readLeaf(log.origin, index, bytes);
      index += 1;
    }
  }
  if (!range.root().equals(log.root)) {
    throw changed(`the records of the log ${log.path} are not those under its signed head`);
  }
}

/** Yields the first leaves of a log, unverified: whether they are those under a head is for the caller to derive. */
export function* firstLeaves(log: SignedLog, size: number): Generator<Leaf, void> {
  for (let index = 0; index < size;) {
    for (const bytes of bundleOf(log, Math.floor(index / TILE_WIDTH)).slice(0, size - index)) {
      yield readLeaf(log.origin, index, bytes);
      index += 1;
    }
  }
}

/** Returns the right edge of the tree of a log's first leaves, out of its tiles: as good as what is derived from it. */
export async function edgeAt(log: SignedLog, size: number): Promise<CompactRange> {
  return toldAsChanged(log, () => readCompactRange(size, hashesOf(log)));
}

/** Returns a reader of the hashes in the tiles of a log. */
export function hashesOf(log: SignedLog): HashReader {
  return tileHashReader(log.size, (tile) => Promise.resolve(tileOf(log, tile)));
}

/** Returns the records of one bundle of a log, as they are stored. @throws {TallystickError} `log_invalid` */
export function bundleOf(log: SignedLog, index: number): Uint8Array[] {
  const width = Math.min(TILE_WIDTH, log.size - index * TILE_WIDTH);
  const tile = { level: 'entries', index, width } as const;
  const bytes = log.readFile(formatTilePath(tile));
  try {
    if (bytes) return decodeEntryBundle(bytes, width);
    return decodeEntryBundle(tileOf(log, tile), TILE_WIDTH).slice(0, width);
  } catch (error) {
    if (!TallystickError.is(error)) throw error;
    throw changed(`${log.path}/${formatTilePath(tile)}: ${error.description}`);
  }
}

/** Runs what reads a log, and says where a tile is not what it should be. */
export async function toldAsChanged<T>(log: SignedLog, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!TallystickError.is(error) || error.code !== 'log_invalid') throw error;
    throw changed(`the log ${log.path}: ${error.description}`);
  }
}

/** Returns a tile; the full one stands for a partial one that is gone. */
function tileOf(log: SignedLog, tile: Tile): Uint8Array {
  const bytes = log.readFile(formatTilePath(tile)) ?? log.readFile(formatTilePath({ ...tile, width: TILE_WIDTH }));
  if (bytes) return bytes;
  throw changed(`${log.path}/${formatTilePath(tile)} is missing`);
}

function changed(description: string): TallystickError {
  return new TallystickError('log_invalid', description, {
    remedy: 'run "tallystick audit verify": it names each record and file; nothing that was printed of it is evidence',
  });
}
