import type { NoteVerifier } from '../tlog/signed-note.ts';
import { TILE_WIDTH } from '../tlog/tile.ts';
import { LogError } from './log-error.ts';
import { openHead, type SignedHead } from './published-head.ts';

/** What is on the disk when a log is opened, each part as it says itself. */
export interface OpeningFacts {
  /** The published head, its signature verified. */
  readonly published: SignedHead | undefined;
  /** The records that the journal holds: `[firstSeq, nextSeq)`. */
  readonly firstSeq: number;
  readonly nextSeq: number;
  /** The head of the journal's last batch, as it was found. */
  readonly journalHead: Uint8Array | undefined;
}

/**
 * Returns the last head of a log, the one that all its records are under; undefined of a log without records. It
 * judges sizes and signatures; roots are recomputed by {@link restoreTree}.
 *
 * @throws {LogError} `head_invalid`, `checkpoint_missing`, `tail_lost`, `forked`
 */
export function judgeOpening(facts: OpeningFacts, log: NoteVerifier): SignedHead | undefined {
  const { published, firstSeq, nextSeq, journalHead } = facts;
  if (!published && firstSeq > 0) {
    throw new LogError(
      'checkpoint_missing',
      `the log ${log.name} has no checkpoint, but had one of ${firstSeq} records`,
    );
  }
  if (published && published.size > nextSeq) {
    throw new LogError(
      'tail_lost',
      `the journal of the log ${log.name} ends at ${nextSeq} records; ${published.size} were published`,
    );
  }
  if (published && Math.floor(published.size / TILE_WIDTH) * TILE_WIDTH < firstSeq) {
    throw new LogError('forked', `the checkpoint of the log ${log.name} is older than what its journal has given away`);
  }
  if (!journalHead) {
    if (nextSeq === (published?.size ?? 0)) return published;
    throw new LogError('tail_lost', `the journal of the log ${log.name} has no head of ${nextSeq} records`);
  }
  const head = openJournalHead(journalHead, log);
  if (head.size !== nextSeq) {
    throw new LogError(
      'head_invalid',
      `the last head of the log ${log.name} is of ${head.size} records, not ${nextSeq}`,
    );
  }
  return head;
}

function openJournalHead(journalHead: Uint8Array, log: NoteVerifier): SignedHead {
  try {
    return openHead(journalHead, log);
  } catch (cause) {
    throw new LogError('head_invalid', `the last head of the log ${log.name} is not signed by its key`, cause);
  }
}
