import { MAX_BODY_BYTES, type Batch } from './batch.ts';
import { JournalError, type DamagePlace, type JournalFault } from './journal-error.ts';
import type { Position } from './journal.ts';
import type { RecoveryFacts } from './recovery.ts';
import type { SegmentSizes } from './segment-file.ts';

/** What the journal's thread is started with. */
export interface ThreadData {
  readonly sizes: SegmentSizes;
  readonly desk: Desk;
}

/**
 * Memory that the threads share: one request at a time is put there and `asked` counted up, on which the journal's
 * thread sleeps. It answers each with one of `committed`, `done` and `failed`. Measured: 68 µs there and back, where a
 * message takes 96.
 */
export interface Desk {
  /** Requests so far; what is asked, a {@link ASK}; the records and bytes in `body`. */
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly upToSeq: Float64Array<SharedArrayBuffer>;
  readonly body: Uint8Array<SharedArrayBuffer>;
}

/** Where in {@link Desk} `words` what stands. */
export const WORD = { asked: 0, ask: 1, count: 2, length: 3 } as const;

/** What the journal's thread may be asked: first, and once, to recover the journal in the folder that `body` names. */
export const ASK = { recover: 0, commit: 1, release: 2, close: 3 } as const;

export function createDesk(): Desk {
  return {
    words: new Int32Array(new SharedArrayBuffer(16)),
    upToSeq: new Float64Array(new SharedArrayBuffer(8)),
    body: new Uint8Array(new SharedArrayBuffer(MAX_BODY_BYTES)),
  };
}

/** What the journal's thread says: every batch it recovered, that it is ready, and then the answers. */
export type ThreadReply =
  | { readonly say: 'batches'; readonly batches: readonly Batch[] }
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
