import { leafHash, type Clock, type TallystickError, type Timers } from '@tallystick/core';
import { createGroupCommit } from '../journal/group-commit.ts';
import type { Committer } from '../journal/committer.ts';
import { signCheckpoint } from '../tlog/checkpoint.ts';
import type { CompactRange } from '../tlog/compact-range.ts';
import type { NoteSigner } from '../tlog/signed-note.ts';
import { LogError } from './log-error.ts';
import type { LogFiles } from './log-files.ts';
import { checkIndex, createLogReader, type LogReader } from './log-reader.ts';
import { publishHead } from './publish.ts';
import type { SignedHead } from './published-head.ts';
import { createPublisher } from './publisher.ts';
import type { SpaceMeter } from './space-meter.ts';
import type { Space } from './space.ts';
import type { Tail } from './tail.ts';
import type { TileRows } from './tile-rows.ts';
import { TileWriter } from './write-tiles.ts';

/** Bytes of records that may wait to be published: beyond, a disk that does not follow would fill the memory. */
export const MAX_BACKLOG_BYTES: number = 64 * 1024 * 1024;

/** How often a log without space looks whether there is some again, in milliseconds. */
const LOOK_FOR_SPACE_MS = 1000;

/** A record that is durable under a signed head. */
export interface Appended {
  /** Its index in the log. */
  readonly seq: number;
  readonly leafHash: Uint8Array;
}

/** An open log. Its readers see records as soon as they are durable, and proofs as soon as they are published. */
export interface LogWriter extends LogReader {
  readonly origin: string;
  /** The index that the next record gets: how many there are, with those that are not durable yet. */
  readonly nextSeq: number;
  /** The newest durable head; undefined of a log without records. It may be shown to anyone. */
  head(): SignedHead | undefined;
  /** The failure after which nothing is appended any more; undefined while all is well. */
  readonly failure: TallystickError | undefined;
  readonly space: Space;
  /** Counts again how much space is used: something was deleted. */
  countSpace(): Promise<void>;
  /**
   * Appends one record and resolves when it is durable under a signed head.
   *
   * @param make Makes the record, knowing its index. Called at once, during the call; must not append itself. What it
   *   throws is thrown, and nothing was appended. The bytes must not change afterwards.
   * @throws {TallystickError} as a rejection: `record_unavailable`. But for `no_space`, `backlog` and
   *   `record_too_long`, nothing more will be appended. What was rejected may still be found in the log later.
   */
  append(make: (seq: number) => Uint8Array): Promise<Appended>;
  /** Publishes what is durable now. */
  publish(): Promise<void>;
  /** Waits for what was appended, publishes it, and ends. It can be read afterwards. */
  close(): Promise<void>;
}

/** What a log is made of. */
export interface LogParts {
  readonly origin: string;
  readonly files: LogFiles;
  readonly committer: Committer;
  readonly signer: NoteSigner;
  /** Over all records. */
  readonly range: CompactRange;
  /** Of the published tiles. */
  readonly rows: TileRows;
  /** From the first record on that is not in a full, published bundle. */
  readonly tail: Tail;
  readonly published: SignedHead | undefined;
  /** The head of all records. */
  readonly head: SignedHead | undefined;
  readonly space: SpaceMeter;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Told once when nothing can be appended any more; must not throw. */
  readonly onFailure: (error: TallystickError) => void;
}

/** Returns the log that parts which agree with each other make. */
export function createLog(parts: LogParts): LogWriter {
  const { origin, files, committer, signer, range, tail, space, clock, timers, onFailure } = parts;
  const writer = new TileWriter(files);
  let { published, head } = parts;
  let signed: SignedHead;
  let released = 0;
  let failure: TallystickError | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> | undefined;

  const fail = (error: TallystickError): void => {
    if (failure) return;
    failure = error;
    onFailure(error);
  };
  const group = createGroupCommit({
    committer,
    nextSeq: tail.nextSeq,
    timers,
    sign({ firstSeq, records }) {
      for (let i = 0; i < records.length; i++) range.append(tail.leafHash(firstSeq + i));
      const { size } = range;
      const root = range.root();
      signed = { size, root, checkpoint: signCheckpoint({ origin, size, root }, [signer]) };
      return signed.checkpoint;
    },
    onDurable() {
      head = signed;
      publisher.durable(head);
    },
    onFailure: fail,
  });
  const publisher = createPublisher({
    published,
    clock,
    timers,
    async publish(next) {
      const { bytes, bundledTo } = await publishHead({ files, writer, rows: parts.rows, tail }, next);
      published = next;
      tail.dropBelow(bundledTo);
      space.add(bytes);
      await space.recount();
      if (bundledTo > released) await committer.release(bundledTo);
      released = bundledTo;
    },
    onFailure: fail,
  });
  const reader = createLogReader(files, () => published);
  let lookedMs = -Infinity;
  const lookForSpace = (): void => {
    if (clock.monotonicMs() - lookedMs < LOOK_FOR_SPACE_MS) return;
    lookedMs = clock.monotonicMs();
    // Where it cannot be counted there is none.
    space.count().catch(() => {});
  };
  const refusal = (): TallystickError | undefined => {
    if (failure) return failure;
    if (closing) return new LogError('closed', 'the log takes no more records');
    if (space.level === 'full') {
      lookForSpace();
      return new LogError('no_space', 'the log has used all the space that it may');
    }
    if (tail.bytes > MAX_BACKLOG_BYTES) return new LogError('backlog', 'too many records wait to be published');
    return undefined;
  };
  const readRecord = async (seq: number): Promise<Uint8Array> => {
    checkIndex(seq, head?.size ?? 0);
    return seq >= tail.firstSeq ? Buffer.from(tail.record(seq)) : reader.readRecord(seq);
  };
  // Durable in an earlier life, and not published then.
  if (head) publisher.durable(head);

  return {
    origin,
    space,
    countSpace: () => space.count(),
    get failure() {
      return failure;
    },
    get nextSeq() {
      return group.nextSeq;
    },
    head: () => head,
    append(make) {
      const refused = refusal();
      if (refused) return Promise.reject(refused);
      const seq = group.nextSeq;
      let record: Uint8Array;
      try {
        record = make(seq);
      } catch (error) {
        return Promise.reject(error);
      }
      const durable = group.append(record);
      last = durable;
      // Refused before it took a number.
      if (group.nextSeq === seq) return durable as Promise<never>;
      const leaf = leafHash(record);
      tail.push(record, leaf);
      space.add(record.length);
      return durable.then(() => ({ seq, leafHash: leaf }));
    },
    published: () => published,
    readRecord,
    async *readRecords(from, to) {
      let seq = from;
      while (seq < Math.min(to, head?.size ?? 0)) {
        if (seq >= tail.firstSeq) {
          // A copy: the tail may need the memory for other records while somebody still reads.
          yield Buffer.from(tail.record(seq++));
        } else {
          for await (const record of reader.readRecords(seq, Math.min(to, tail.firstSeq))) {
            yield record;
            seq++;
          }
        }
      }
    },
    proveInclusion: (seq) => reader.proveInclusion(seq),
    publish: () => publisher.flush(),
    close() {
      closing ??= (async () => {
        await last.catch(() => {});
        try {
          if (!failure) await publisher.flush();
        } finally {
          await publisher.stop();
          await group.close();
        }
      })();
      return closing;
    },
  };
}
