import {
  TallystickError,
  ulid,
  type Clock,
  type Random,
  type ReceiptMark,
  type Timer,
  type Timers,
} from '@tallystick/core';
import { publishReceiptsLost } from './channels.ts';
import type { OpenReceiptFile, ReceiptFile } from './receipt-file.ts';
import { createReceiptLines } from './receipt-lines.ts';
import { createReceiptTally, type Verified } from './receipt-tally.ts';

/** Keeps receipts of what a verifier does, and writes them to a file. No request waits for it, or fails with it. */
export interface Receipts {
  add(verified: Verified): void;
  /** Writes what there is, and ends. Resolves also when it could not be written, or not within 5 s. */
  close(): Promise<void>;
}

/** The inputs of {@link openReceipts}. */
export interface ReceiptsOptions {
  readonly openFile: OpenReceiptFile;
  /** Its name, for errors. */
  readonly path: string;
  /** Milliseconds from one batch to the next. */
  readonly intervalMs: number;
  /** Of the API. */
  readonly audiences: readonly string[];
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /** Kinds of requests that are kept apart in one interval; default 10,000, of about 200 bytes. */
  readonly maxKinds?: number;
}

/** Lines that are made at once: below a millisecond, so that no request waits for them. */
const CHUNK = 500;
/** An API that nobody calls says so, at this distance. */
const MARK_MS = 60_000;
const CLOSE_MS = 5_000;

/** Returns receipts that are written in batches on a timer that does not keep the process alive. */
export function openReceipts(options: ReceiptsOptions): Receipts {
  const { openFile, path, intervalMs, audiences, clock, timers, random, maxKinds = 10_000 } = options;
  const openedMs = clock.nowMs();
  const tally = createReceiptTally(maxKinds);
  const lines = createReceiptLines(ulid(clock, random), audiences);
  let unwritten = 0;
  let told = 0;
  let begun = false;
  /** Whether the file may end in the middle of a line. */
  let torn = true;
  let markedMs = Number.NEGATIVE_INFINITY;
  let writing: Promise<void> | undefined;
  let timer: Timer | undefined;
  let closing: Promise<void> | undefined;

  const lost = (): number => unwritten + tally.lost;
  const mark = (state: ReceiptMark['state'], ms: number): string => lines.mark(state, ms, lost());

  async function append(file: ReceiptFile, text: string): Promise<void> {
    const whole = torn && !file.isEmpty ? `\n${text}` : text;
    torn = true;
    await file.append(whole);
    torn = false;
  }

  async function writeBatch(end: 'written' | 'closed'): Promise<void> {
    const nowMs = clock.nowMs();
    const startedMs = clock.monotonicMs();
    const tallied = tally.drain();
    let written = 0;
    try {
      await using file = await openFile();
      if (!begun) await append(file, mark('opened', openedMs));
      else if (file.isEmpty) await append(file, mark('continued', nowMs));
      begun = true;
      for (; written < tallied.length; written += CHUNK) {
        await append(
          file,
          tallied
            .slice(written, written + CHUNK)
            .map(lines.receipt)
            .join(''),
        );
      }
      await append(file, mark(end, nowMs));
      markedMs = startedMs;
    } catch (error) {
      for (const { count } of tallied.slice(written)) unwritten += count;
      tell(unwritable(path, error));
    }
  }

  const tell = (error: TallystickError): void => {
    told = lost();
    publishReceiptsLost(error, told);
  };
  const isDue = (): boolean => !tally.isEmpty || clock.monotonicMs() - markedMs >= MARK_MS;
  const tick = (): void => {
    timer = timers.after(intervalMs, tick);
    if (lost() > told) tell(tooMany());
    // A disk that hangs holds back one batch, and the tally is bounded.
    if (!writing && isDue()) writing = writeBatch('written').finally(() => (writing = undefined));
  };
  tick();

  /** A disk that hangs does not hold up the end of the API. */
  function inTime(written: Promise<void>): Promise<void> {
    timer?.cancel();
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const limit = timers.after(CLOSE_MS, resolve);
    return Promise.race([written, late]).finally(() => limit.cancel());
  }

  return {
    add(verified) {
      if (!closing) tally.add(verified, clock.nowMs());
    },
    close() {
      closing ??= inTime(Promise.resolve(writing).then(() => writeBatch('closed')));
      return closing;
    },
  };
}

function unwritable(path: string, cause: unknown): TallystickError {
  const { code = 'unknown' } = cause as NodeJS.ErrnoException;
  return new TallystickError('state_unusable', `the receipts file "${path}" cannot be written: ${code}`, {
    remedy: 'free space, or let the API write there; requests go on, and the file says how many receipts it lacks',
    cause,
  });
}

function tooMany(): TallystickError {
  return new TallystickError('state_unusable', 'there were more kinds of requests in one interval than are kept', {
    remedy: 'let receipts be written more often, or find out why the disk is slow; requests go on',
  });
}
