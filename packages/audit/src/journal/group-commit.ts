import { setImmediate } from 'node:timers';
import { TallystickError, type Timers } from '@tallystick/core';
import {
  encodeBody,
  FRAME_BYTES,
  MAX_BATCH_RECORDS,
  MAX_BODY_BYTES,
  MAX_HEAD_BYTES,
  MAX_RECORD_BYTES,
} from './batch.ts';
import type { Committer } from './committer.ts';
import { JournalError } from './journal-error.ts';
import type { Position } from './journal.ts';

/** How long the disk may take for a batch before its waiters are failed, in milliseconds. */
export const HANG_MS = 2000;

/** Records that share one signed head and one sync. */
export interface UnsignedBatch {
  readonly firstSeq: number;
  readonly records: readonly Uint8Array[];
}

/** Appends records, many by one batch. */
export interface GroupCommit {
  /** The sequence number that the next record appended will have. */
  readonly nextSeq: number;
  /** Records that are not durable yet. */
  readonly pending: number;
  /** The failure after which nothing is appended any more; undefined while all is well. */
  readonly failure: TallystickError | undefined;
  /**
   * Appends one record, which takes `nextSeq` during the call, and resolves to that number when the record is durable
   * under a signed head. The bytes must not change until then.
   *
   * @throws {TallystickError} as a rejection: `record_unavailable`. But for `record_too_long`, which takes no number,
   * nothing more will be appended. What was rejected may still be found by a recovery.
   */
  append(record: Uint8Array): Promise<number>;
  /** Waits for what was appended, then closes the committer. */
  close(): Promise<void>;
}

/** The inputs of {@link createGroupCommit}. */
export interface GroupCommitOptions {
  readonly committer: Committer;
  /** Sequence number of the first record; recovery knows it. */
  readonly nextSeq: number;
  /**
   * Returns the signed head over these records and all before. Called for one batch at a time, in order. The head must
   * not leave the process before the batch is durable. A failure is final: the signer may have counted the records.
   */
  readonly sign: (batch: UnsignedBatch) => Uint8Array | Promise<Uint8Array>;
  readonly timers: Timers;
  /** Told once when nothing can be appended any more; must not throw. */
  readonly onFailure: (error: TallystickError) => void;
  /** Told of each batch when it is durable, before its waiters; must not throw. From here the head may be shown. */
  readonly onDurable?: (batch: UnsignedBatch, head: Uint8Array) => void;
}

interface Waiting {
  readonly record: Uint8Array;
  readonly durable: PromiseWithResolvers<number>;
}

const RECORD_BYTES_PER_BATCH = MAX_BODY_BYTES - MAX_HEAD_BYTES - FRAME_BYTES;

/** Returns a group commit: while one batch is on its way to the disk the next one gathers. */
export function createGroupCommit(options: GroupCommitOptions): GroupCommit {
  const { committer, sign, timers, onFailure, onDurable } = options;
  let queue: Waiting[] = [];
  let nextSeq = options.nextSeq;
  let pending = 0;
  let running: Promise<void> | undefined;
  let failure: TallystickError | undefined;
  let closing: Promise<void> | undefined;

  const take = (): Waiting[] => {
    let count = 0;
    let bytes = 0;
    for (; count < queue.length && count < MAX_BATCH_RECORDS; count++) {
      bytes += FRAME_BYTES + queue[count]!.record.length;
      if (bytes > RECORD_BYTES_PER_BATCH) break;
    }
    const batch = count === queue.length ? queue : queue.slice(0, count);
    queue = count === queue.length ? [] : queue.slice(count);
    return batch;
  };
  const commitOne = async (waiting: readonly Waiting[]): Promise<void> => {
    const batch = { firstSeq: nextSeq - pending, records: waiting.map(({ record }) => record) };
    const head = await signed(sign, batch);
    const position = await withinHangMs(timers, committer.commit(encodeBody(batch.records, head, committer.memory)));
    if (position.firstSeq !== batch.firstSeq) {
      throw new JournalError('write_failed', `the journal put record ${batch.firstSeq} at ${position.firstSeq}`);
    }
    onDurable?.(batch, head);
    pending -= waiting.length;
    for (const [index, { durable }] of waiting.entries()) durable.resolve(batch.firstSeq + index);
  };
  const run = async (): Promise<void> => {
    while (queue.length > 0) {
      const waiting = take();
      try {
        await commitOne(waiting);
      } catch (error) {
        // Final. Nothing of it is tried again: what the disk did with the batch is known to a recovery alone.
        failure = TallystickError.is(error)
          ? error
          : new JournalError('write_failed', 'the journal failed', { cause: error });
        const refused = [...waiting, ...queue];
        queue = [];
        pending = 0;
        for (const { durable } of refused) durable.reject(failure);
        onFailure(failure);
      }
    }
    running = undefined;
  };

  return {
    get nextSeq() {
      return nextSeq;
    },
    get pending() {
      return pending;
    },
    get failure() {
      return failure;
    },
    append(record) {
      if (failure) return Promise.reject(failure);
      if (closing) return Promise.reject(new JournalError('closed', 'the journal was closed'));
      if (record.length > MAX_RECORD_BYTES) {
        return Promise.reject(new JournalError('record_too_long', 'a record is longer than 65,535 bytes'));
      }
      const durable = Promise.withResolvers<number>();
      queue.push({ record, durable });
      nextSeq++;
      pending++;
      // After the input of this turn of the loop has been read, so that what came together is committed together.
      running ??= new Promise<void>((resolve) => setImmediate(resolve)).then(run);
      return durable.promise;
    },
    close() {
      closing ??= (async () => {
        await running;
        const closed = committer.close();
        // A disk that hangs would hold up the end of the process too.
        if (failure) closed.catch(() => {});
        else await closed;
      })();
      return closing;
    },
  };
}

async function signed(sign: GroupCommitOptions['sign'], batch: UnsignedBatch): Promise<Uint8Array> {
  try {
    return await sign(batch);
  } catch (cause) {
    throw new JournalError('sign_failed', 'the head of the log could not be signed', { cause });
  }
}

/** Returns what `call` gives, or fails when it takes longer than the disk may; its late result is then ignored. */
async function withinHangMs(timers: Timers, call: Promise<Position>): Promise<Position> {
  const late = Promise.withResolvers<never>();
  const timer = timers.after(HANG_MS, () =>
    late.reject(new JournalError('hung', `the disk did not answer within ${HANG_MS} ms`)),
  );
  try {
    return await Promise.race([call, late.promise]);
  } finally {
    timer.cancel();
  }
}
