import { createInlineCommitter, type Committer } from '../journal/committer.ts';
import type { Batch } from '../journal/batch.ts';
import type { Disk } from '../journal/disk.ts';
import { recoverJournal, type RecoveryFacts } from '../journal/recovery.ts';
import type { SegmentSizes } from '../journal/segment-file.ts';

/** A recovered journal, ready to be written. */
export interface OpenedJournal extends RecoveryFacts {
  readonly committer: Committer;
}

/**
 * Recovers the journal in a folder, which exists, and tells every batch that it still holds, once and in order. Where
 * it rejects, what was told is void.
 */
export type OpenJournal = (folder: string, onBatch: (batch: Batch) => void) => Promise<OpenedJournal>;

/** Opens a journal whose disk calls run in this thread and hold it up: for tools and tests. */
export function inlineJournal(openDisk: (folder: string) => Disk, sizes?: SegmentSizes): OpenJournal {
  return async (folder, onBatch) => {
    const { journal, ...facts } = recoverJournal({ disk: openDisk(folder), onBatch, ...(sizes && { sizes }) });
    return { ...facts, committer: createInlineCommitter(journal) };
  };
}
