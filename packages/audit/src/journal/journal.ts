import { encodeBatch, type BatchBody, type BatchMemory } from './batch.ts';
import type { Disk } from './disk.ts';
import { diskError, JournalError } from './journal-error.ts';
import { createSegment, type SegmentFile, type SegmentSizes } from './segment-file.ts';

/** Where a batch was committed. */
export interface Position {
  readonly batchNo: number;
  readonly firstSeq: number;
  /** Sequence number of the next record, which is also the size of the log under this batch's head. */
  readonly nextSeq: number;
}

/** A full segment, and the records it holds: `[firstSeq, nextSeq)`. */
export interface FullSegment {
  readonly name: string;
  readonly nextSeq: number;
}

/**
 * Puts batches on a disk, one after another, synchronously.
 *
 * The first error is the last: after it every call throws the same one. A kernel that failed to write a page may mark
 * it clean, and the next sync then claims what is not so; only a new recovery finds out what is durable.
 */
export interface Journal {
  /**
   * Writes one batch by one write and one sync, and returns when it is durable.
   *
   * @throws {JournalError} `disk_full`, `write_failed`, `sync_failed`, `closed`
   */
  commit(body: BatchBody): Position;
  /**
   * Deletes the full segments whose records are all below `upToSeq`; the caller has them elsewhere, durably.
   *
   * @throws {JournalError} as `commit`
   */
  release(upToSeq: number): void;
  close(): void;
}

/** The inputs of {@link createJournal}; recovery makes them. */
export interface JournalState {
  readonly disk: Disk;
  readonly sizes: SegmentSizes;
  readonly epoch: number;
  readonly full: readonly FullSegment[];
  readonly active: SegmentFile;
}

export function createJournal({ disk, sizes, epoch, ...state }: JournalState): Journal {
  const full = [...state.full];
  const memory: BatchMemory = { stream: Buffer.of(), sectors: Buffer.of() };
  let active = state.active;
  let failure: JournalError | undefined;

  const attempt = <T>(call: () => T): T => {
    if (failure) throw failure;
    try {
      return call();
    } catch (error) {
      failure = diskError('write_failed', 'the journal could not be written', error);
      throw failure;
    }
  };

  return {
    commit: (body) =>
      attempt(() => {
        const point = active.next;
        const { bytes, next } = encodeBatch(epoch, point, body, memory);
        if (!active.fits(bytes.length)) {
          const filled = active;
          active = createSegment(disk, epoch, point, [], sizes);
          full.push({ name: filled.name, nextSeq: point.seq });
          filled.close();
        }
        active.append(bytes, next);
        return { batchNo: point.batchNo, firstSeq: point.seq, nextSeq: next.seq };
      }),
    release: (upToSeq) =>
      attempt(() => {
        while (full[0] && full[0].nextSeq <= upToSeq) {
          disk.unlink(full[0].name);
          // One by one: of two names removed at once a crash may bring back the older alone, and leave a gap.
          disk.syncFolder();
          full.shift();
        }
      }),
    close() {
      if (failure?.fault === 'closed') return;
      failure ??= new JournalError('closed', 'the journal was closed');
      active.close();
    },
  };
}
