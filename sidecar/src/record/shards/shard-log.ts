import type { Appended, Log, LogPlace, LogReader } from '@tallystick/audit';
import { TallystickError, type Clock } from '@tallystick/core';
import type { Period } from './shard-period.ts';

/** Why a shard ends. */
export interface CutCause {
  readonly cause: 'period' | 'size';
  /** The year of the books that the shard is in. */
  readonly period: Period;
}

/** What is done about cuts by who knows what is carried over. */
export interface Cutter {
  /**
   * Returns what the next shard begins with, all that the records so far leave open, and what is to be told when it takes
   * records. Called at once, as a cut begins; neither may throw.
   */
  cut(cause: CutCause): { readonly carried: Uint8Array; onCut(closed: Log, opened: Log): void };
}

/** The shard that takes records now, whichever it is: it gives way to the next one as its year or its size ends. */
export interface ShardLog extends Pick<
  Log,
  'head' | 'published' | 'publish' | 'space' | 'countSpace' | 'failure' | 'readRecords'
> {
  readonly origin: string;
  readonly place: LogPlace;
  /**
   * Appends one record, as {@link Log.append}. While a shard is being cut it waits, in its order; `make` is then called
   * later.
   */
  append(make: (seq: number, origin: string) => Uint8Array): Promise<Appended>;
  /** From now on shards are cut. */
  startCutting(cutter: Cutter): void;
  /** Waits for a cut, and for what was appended, and closes. */
  close(): Promise<void>;
}

/** The inputs of {@link createShardLog}. */
export interface ShardLogOptions {
  /** The shard that is open. */
  readonly first: Log;
  /** When its first record was made: the shard belongs to that year of the books. */
  readonly begunMs: number;
  readonly periodAt: (ms: number) => Period;
  /** So many are in a shard at the most. */
  readonly maxRecords: number;
  /** Gives records their time. */
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Told once for each shard, when a cut is near: what takes a while of the next one may be begun. Must not throw. */
  readonly prepare: () => void;
  /** Returns a reader of a shard that was closed. */
  readonly openClosed: (shard: Pick<Log, 'place' | 'vkey'>) => Promise<LogReader>;
  /** Told when a cut has failed: nothing can be appended any more, and a new start completes it. */
  readonly onFailure: (error: TallystickError) => void;
}

/** A cut is near so long before the year ends, in milliseconds: an idle log has a heartbeat in that time. */
const NEAR_MS = 5 * 60_000;
/** And so many records before the shard is full, or this share of them: more than are written while a thread starts. */
const NEAR_RECORDS = 1024;
const NEAR_SHARE = 1 / 256;

export function createShardLog(options: ShardLogOptions): ShardLog {
  const { periodAt, maxRecords, clock, prepare, openClosed, onFailure } = options;
  let log = options.first;
  let period = periodAt(options.begunMs);
  /** Records that a shard begins with are no reason to end it. */
  let openedWith = log.nextSeq;
  let isPrepared = false;
  let cutter: Cutter | undefined;
  let cutting: Promise<void> | undefined;
  let failure: TallystickError | undefined;
  /** Of this run. No more is kept of them: what a log holds to be written is much. */
  const closed: Pick<Log, 'place' | 'vkey'>[] = [];
  let waiting: (() => void)[] = [];

  const place = (make: (seq: number, origin: string) => Uint8Array): Promise<Appended> => {
    const { origin } = log;
    return log.append((seq) => make(seq, origin));
  };
  const causeOfCut = (): CutCause['cause'] | undefined => {
    if (clock.nowMs() >= period.toMs) return 'period';
    return log.nextSeq >= maxRecords && log.nextSeq > openedWith ? 'size' : undefined;
  };
  const isCutNear = (): boolean =>
    clock.nowMs() >= period.toMs - NEAR_MS ||
    log.nextSeq >= maxRecords - Math.max(NEAR_RECORDS, maxRecords * NEAR_SHARE);
  const cut = async ({ carried, onCut }: ReturnType<Cutter['cut']>): Promise<void> => {
    const before = log;
    try {
      log = await before.nextShard(carried);
      closed.push({ place: before.place, vkey: before.vkey });
      period = periodAt(clock.nowMs());
      openedWith = log.nextSeq;
      isPrepared = false;
      onCut(before, log);
    } catch (error) {
      failure = before.failure ?? (TallystickError.is(error) ? error : undefined);
      failure ??= new TallystickError('record_unavailable', 'the shard of the log could not be cut', { cause: error });
      onFailure(failure);
    }
    cutting = undefined;
    // In their order, and before anything that comes now.
    const next = waiting;
    waiting = [];
    for (const start of next) start();
  };

  return {
    get origin() {
      return log.origin;
    },
    get place() {
      return log.place;
    },
    get space() {
      return log.space;
    },
    get failure() {
      return failure ?? log.failure;
    },
    head: () => log.head(),
    published: () => log.published(),
    publish: () => log.publish(),
    countSpace: () => log.countSpace(),
    async *readRecords(from, to) {
      const [before, newest] = [closed.slice(), log];
      for (const shard of before) yield* (await openClosed(shard)).readRecords(from, to);
      yield* newest.readRecords(from, to);
    },
    append(make) {
      if (cutter && !cutting && !failure && log.space.level !== 'full' && !log.failure) {
        const cause = causeOfCut();
        if (cause) cutting = cut(cutter.cut({ cause, period }));
        else if (!isPrepared && isCutNear()) {
          isPrepared = true;
          prepare();
        }
      }
      if (failure) return Promise.reject(failure);
      if (!cutting) return place(make);
      return new Promise((resolve, reject) => {
        waiting.push(() => (failure ? reject(failure) : resolve(place(make))));
      });
    },
    startCutting(by) {
      cutter = by;
    },
    async close() {
      await cutting;
      await log.close();
    },
  };
}
