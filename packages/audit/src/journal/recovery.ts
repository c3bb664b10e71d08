import { CHAIN_START, type Batch, type ChainPoint } from './batch.ts';
import { readAll, type Disk } from './disk.ts';
import { diskError } from './journal-error.ts';
import { createJournal, type FullSegment, type Journal } from './journal.ts';
import { judgeSegment, type SegmentReading } from './judge-segment.ts';
import { planRecovery } from './recovery-plan.ts';
import { createSegment, SEGMENT_SIZES, type SegmentSizes } from './segment-file.ts';
import { segmentName, type SegmentId } from './segment.ts';

/** The inputs of {@link recoverJournal}. */
export interface RecoveryOptions {
  /** The journal's own folder. Whoever calls holds the lock of the log. */
  readonly disk: Disk;
  /**
   * Told every batch that the journal still holds, once and in order. When recovery throws, what was told is void.
   */
  readonly onBatch: (batch: Batch) => void;
  /** Replaces the sizes of segments, in tests. */
  readonly sizes?: SegmentSizes;
}

/** What a recovery found. The journal is writable, and all of it durable. */
export interface Recovery extends RecoveryFacts {
  readonly journal: Journal;
}

/** What a recovery says of the journal it opened. */
export interface RecoveryFacts {
  /** The first record the journal still holds: all before it were released. */
  readonly firstSeq: number;
  /** The next record's sequence number. */
  readonly nextSeq: number;
  readonly epoch: number;
  /** Sectors found of a last batch that was never acknowledged and was dropped; zero when there was none. */
  readonly torn: number;
}

/**
 * Opens a journal: judges all of it, copies what survives of the newest segment into a new one under a new epoch,
 * and removes the old one, so that what was dropped never comes back. An empty folder is a journal without records.
 *
 * Nothing is changed before all is judged. A crash at any point leaves what the next recovery continues from.
 *
 * @throws {JournalError} `damaged`, `gap`, `newer`, `unreadable` (nothing was changed); `disk_full`, `write_failed`, `sync_failed`
 */
export function recoverJournal({ disk, onBatch, sizes = SEGMENT_SIZES }: RecoveryOptions): Recovery {
  const plan = planRecovery(attempt('unreadable', () => disk.list()));
  const full: FullSegment[] = [];
  let firstSeq: number | undefined;
  let torn = 0;
  let last: SegmentReading | undefined;
  for (const [index, id] of plan.segments.entries()) {
    const newest = index === plan.segments.length - 1;
    last = judgeSegment(read(disk, id), id, { after: last?.next, newest });
    for (const batch of last.batches) onBatch(batch);
    if (!newest) full.push({ name: segmentName(id), nextSeq: last.next.seq });
    firstSeq ??= id.firstSeq;
    torn = last.torn;
  }

  const start: ChainPoint = last?.start ?? CHAIN_START;
  for (const name of plan.temporary) remove(disk, name);
  const active = createSegment(disk, plan.nextEpoch, start, last?.batches ?? [], sizes);
  // Only now, when the new name is durable. Before the journal is writable, because a dropped batch must not be found
  // again beside the one that takes its place.
  try {
    for (const name of plan.superseded) remove(disk, name);
    attempt('sync_failed', () => disk.syncFolder());
  } catch (error) {
    active.close();
    throw error;
  }
  const journal = createJournal({ disk, sizes, epoch: plan.nextEpoch, full, active });
  return { journal, firstSeq: firstSeq ?? start.seq, nextSeq: active.next.seq, epoch: plan.nextEpoch, torn };
}

function read(disk: Disk, id: SegmentId): Buffer {
  return attempt(
    'unreadable',
    () => readAll(disk, segmentName(id)),
    `journal segment "${segmentName(id)}" could not be read`,
  );
}

function remove(disk: Disk, name: string): void {
  attempt('write_failed', () => disk.unlink(name));
}

function attempt<T>(
  fault: 'write_failed' | 'sync_failed' | 'unreadable',
  call: () => T,
  description = 'the folder of the journal could not be used',
): T {
  try {
    return call();
  } catch (error) {
    throw diskError(fault, description, error);
  }
}
