import type { Batch, BatchBody } from './batch.ts';
import { JournalError, type DamagePlace, type JournalFault } from './journal-error.ts';
import type { Position } from './journal.ts';
import type { RecoveryFacts } from './recovery.ts';
import type { SegmentSizes } from './segment-file.ts';

/** What the journal's thread is started with. */
export interface ThreadData {
  readonly folder: string;
  readonly sizes: SegmentSizes;
  /** Counts what was asked; the thread sleeps on it while there is nothing to do. */
  readonly asked: Int32Array<SharedArrayBuffer>;
}

/** What the journal's thread is asked. It answers in order, each with one of `committed`, `done` and `failed`. */
export type ThreadRequest =
  | { readonly ask: 'commit'; readonly body: BatchBody }
  | { readonly ask: 'release'; readonly upToSeq: number }
  | { readonly ask: 'close' };

/** What the journal's thread says: every batch it recovered, that it is ready, and then the answers. */
export type ThreadReply =
  | { readonly say: 'batch'; readonly batch: Batch }
  | { readonly say: 'recovered'; readonly facts: RecoveryFacts }
  | { readonly say: 'committed'; readonly position: Position }
  | { readonly say: 'done' }
  | { readonly say: 'failed'; readonly failure: FailureFacts };

/** An error as it goes from thread to thread: those keep neither its class nor what a system call added to it. */
export interface FailureFacts {
  readonly fault: JournalFault;
  readonly description: string;
  readonly place: DamagePlace | undefined;
  readonly cause: CauseFacts | undefined;
}

interface CauseFacts {
  readonly message: string;
  readonly code: string | undefined;
  readonly syscall: string | undefined;
}

export function failureFacts(error: unknown): FailureFacts {
  if (error instanceof JournalError) {
    const { fault, description, place, cause } = error;
    return { fault, description, place, cause: causeFacts(cause) };
  }
  return { fault: 'write_failed', description: 'the journal failed', place: undefined, cause: causeFacts(error) };
}

function causeFacts(cause: unknown): CauseFacts | undefined {
  if (!(cause instanceof Error)) return undefined;
  const { message, code, syscall }: NodeJS.ErrnoException = cause;
  return { message, code, syscall };
}

/** Returns the error again, in the thread that asked. */
export function failureOf({ fault, description, place, cause }: FailureFacts): JournalError {
  const again = cause && Object.assign(new Error(cause.message), { code: cause.code, syscall: cause.syscall });
  return new JournalError(fault, description, { cause: again, ...(place && { place }) });
}
