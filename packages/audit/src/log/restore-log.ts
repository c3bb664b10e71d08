import { join } from 'node:path';
import type { Committer } from '../journal/committer.ts';
import type { CompactRange } from '../tlog/compact-range.ts';
import { logVerifier } from '../tlog/log-signer.ts';
import { formatVkey, type NoteKey } from '../tlog/note-key.ts';
import { TILE_WIDTH } from '../tlog/tile.ts';
import { judgeAnchor, type Anchor } from './judge-anchor.ts';
import { judgeOpening } from './judge-opening.ts';
import type { OpenedJournal, OpenJournal } from './journal-opener.ts';
import { fileError } from './log-error.ts';
import type { LogFiles } from './log-files.ts';
import type { LogPlace } from './log-place.ts';
import { readPublishedHead, type SignedHead } from './published-head.ts';
import { tileReaderOf } from './read-tiles.ts';
import { RecoveredJournal } from './recovered-journal.ts';
import { restoreTree, type ExpectedRoot, type RestoredTree } from './restore-tree.ts';
import { Tail } from './tail.ts';
import { tileLeavesOf, type TileRows } from './tile-rows.ts';
import { replaceFile, TileWriter } from './write-tiles.ts';

/** The inputs of {@link restoreLog}. */
export interface RestoreOptions {
  readonly files: LogFiles;
  /** Where those files are, for the journal. */
  readonly folder: string;
  readonly openJournal: OpenJournal;
  readonly key: NoteKey;
  readonly place: LogPlace;
  readonly anchor: Anchor | undefined;
}

/** What was found when a log was opened. */
export interface Restoration {
  /** How many records it had. */
  readonly size: number;
  /** Sectors found of a last batch that was never acknowledged, and was dropped. */
  readonly tornSectors: number;
  /** Paths of tiles that were missing or other than the records, and were written again. */
  readonly repaired: readonly string[];
}

/** A log as it was, ready to go on. */
export interface RestoredLog {
  readonly committer: Committer;
  readonly range: CompactRange;
  readonly rows: TileRows;
  readonly tail: Tail;
  readonly published: SignedHead | undefined;
  readonly head: SignedHead | undefined;
  readonly restoration: Restoration;
}

/**
 * Restores a log from its files, and holds it to its rules (FORMAT.md, Opening a log).
 *
 * @throws {TallystickError} as a rejection: {@link LogError} or {@link JournalError}
 */
export async function restoreLog(options: RestoreOptions): Promise<RestoredLog> {
  const { files, folder, openJournal, key, place, anchor } = options;
  const verifier = logVerifier(key);
  const published = await readPublishedHead(files, verifier);
  const journal = new RecoveredJournal();
  const opened = await openJournal(join(folder, 'journal'), (batch) => journal.add(batch));
  try {
    const { firstSeq, nextSeq, torn, committer } = opened;
    const head = judgeOpening({ published, firstSeq, nextSeq, journalHead: journal.head }, verifier);
    const expected = [...expectedRoots(published, head), ...(anchor ? judgeAnchor(anchor, place, nextSeq) : [])];
    const publishedSize = published?.size ?? 0;
    const sources = { readTile: tileReaderOf(files), publishedSize, journal, firstSeq, nextSeq };
    const tree = await restoreTree(sources, expected);
    const repaired = await repairTiles(files, journal, tree, publishedSize, opened);
    await keepVkey(files, key);
    const { range, rows } = tree;
    const tail = tailOf(journal, Math.floor(publishedSize / TILE_WIDTH) * TILE_WIDTH, nextSeq);
    return {
      committer,
      range,
      rows,
      tail,
      published,
      head,
      restoration: { size: nextSeq, tornSectors: torn, repaired },
    };
  } catch (error) {
    await opened.committer.close().catch(() => {});
    throw error;
  }
}

function expectedRoots(published: SignedHead | undefined, head: SignedHead | undefined): ExpectedRoot[] {
  const roots: ExpectedRoot[] = [];
  // The newest first: where both are wrong it is the tiles, or the journal, that are.
  if (head) {
    const description = `the records of the log lead to another root than its last head, of ${head.size} records`;
    roots.push({ ...head, fault: 'tiles_damaged', description });
  }
  if (published) {
    const description = `the published checkpoint, of ${published.size} records, contradicts the records of the log`;
    roots.push({ ...published, fault: 'forked', description });
  }
  return roots;
}

/**
 * Brings the published tiles, from the first record that the journal still holds, into agreement with it, and
 * removes partial tiles that a crash left beside full ones.
 */
async function repairTiles(
  files: LogFiles,
  journal: RecoveredJournal,
  { rows, leafHash }: RestoredTree,
  publishedSize: number,
  { firstSeq }: OpenedJournal,
): Promise<string[]> {
  const writer = new TileWriter(files);
  const tiles = rows.grow(publishedSize, tileLeavesOf({ leafHash, record: (seq) => journal.record(seq) }));
  try {
    // A bundle that begins before the journal was read back before its records were given away.
    const provable = tiles.filter(({ tile }) => tile.level !== 'entries' || tile.index * TILE_WIDTH >= firstSeq);
    const repaired = await writer.repair(provable);
    await writer.removePartials(tiles.map(({ tile }) => tile).filter(({ width }) => width === TILE_WIDTH));
    return repaired.sort();
  } catch (cause) {
    throw fileError('the tiles of the log could not be repaired', cause);
  }
}

function tailOf(journal: RecoveredJournal, from: number, to: number): Tail {
  const tail = new Tail(from);
  for (let seq = from; seq < to; seq++) tail.push(journal.record(seq), journal.leafHash(seq));
  return tail;
}

/** Puts the public key beside the log. It is a convenience for people: no verifier takes a key from the log it judges. */
async function keepVkey(files: LogFiles, key: NoteKey): Promise<void> {
  const line = Buffer.from(`${formatVkey(key)}\n`);
  try {
    if ((await files.read('vkey'))?.equals(line)) return;
    await replaceFile(files, 'vkey', line);
  } catch (cause) {
    throw fileError('the public key could not be put beside the log', cause);
  }
}
