import { leafHash } from '@tallystick/core';
import { proveInclusion } from '../tlog/prove.ts';
import type { NoteVerifier } from '../tlog/signed-note.ts';
import { tileHashReader } from '../tlog/tile-reader.ts';
import { TILE_WIDTH } from '../tlog/tile.ts';
import { TlogError } from '../tlog/tlog-error.ts';
import { formatTlogProof } from '../tlog/tlog-proof.ts';
import { verifyInclusion } from '../tlog/verify-inclusion.ts';
import type { LogFiles } from './log-files.ts';
import { readPublishedHead, type SignedHead } from './published-head.ts';
import { readBundle, tileReaderOf } from './read-tiles.ts';

/** Reads what a log has published. It may be called concurrently, and beside the writer. */
export interface LogReader {
  /** The newest published head; undefined before the first. */
  published(): SignedHead | undefined;
  /**
   * Returns one record.
   *
   * @throws {TlogError} `index`: there is no such record to be shown.
   */
  readRecord(seq: number): Promise<Uint8Array>;
  /** Yields the records of `[from, to)` in order, as far as there are any to be shown. */
  readRecords(from: number, to: number): AsyncGenerator<Uint8Array, void, undefined>;
  /**
   * Returns a `.tlog-proof` that a record is in the log, at the published head, verified before it is returned.
   *
   * @throws {TlogError} `index`: the record is not published; `inclusion`, `tile`, `bundle`: the tiles are damaged.
   */
  proveInclusion(seq: number): Promise<Buffer>;
}

/**
 * Returns a reader of a log that nothing writes any more: a closed shard, or an old incarnation.
 *
 * @throws {LogError} `unreadable`, `checkpoint_invalid`
 */
export async function openLogReader(files: LogFiles, verifier: NoteVerifier): Promise<LogReader> {
  const head = await readPublishedHead(files, verifier);
  return createLogReader(files, () => head);
}

/** Returns a reader of whatever head is the published one at the time. */
export function createLogReader(files: LogFiles, published: () => SignedHead | undefined): LogReader {
  const readTile = tileReaderOf(files);
  const bundleOf = (seq: number): Promise<Uint8Array[]> => {
    const size = published()?.size ?? 0;
    checkIndex(seq, size);
    return readBundle(files, Math.floor(seq / TILE_WIDTH), size);
  };
  const readRecord = async (seq: number): Promise<Uint8Array> => (await bundleOf(seq))[seq % TILE_WIDTH]!;
  return {
    published,
    readRecord,
    async *readRecords(from, to) {
      for (let seq = from; seq < Math.min(to, published()?.size ?? 0);) {
        const records = (await bundleOf(seq)).slice(seq % TILE_WIDTH).slice(0, to - seq);
        yield* records;
        seq += records.length;
      }
    },
    async proveInclusion(seq) {
      const head = published();
      checkIndex(seq, head?.size ?? 0);
      const { size, root, checkpoint } = head!;
      const hashes = await proveInclusion(seq, size, tileHashReader(size, readTile));
      const leaf = leafHash(await readRecord(seq));
      verifyInclusion({ index: seq, size, root, leafHash: leaf, proof: hashes });
      return formatTlogProof({ index: seq, hashes, checkpoint });
    },
  };
}

/** Throws unless a log of `size` records has this one. */
export function checkIndex(seq: number, size: number): void {
  if (!Number.isSafeInteger(seq) || seq < 0 || seq >= size) {
    throw new TlogError('index', `a log of ${size} records has no record ${seq}`);
  }
}
