import { join } from 'node:path';
import type { Clock, Json, Timer, Timers } from '@tallystick/core';
import { errorFields, type Log } from '../observe/log.ts';
import { readStateFile, writeStateFile } from '../state/state-file.ts';
import type { BodyOf, Recorder, RecordInput, RecordRef } from './record.ts';

/** What takes a right away: it goes ahead without its record, which then says when it took effect. */
export type TakingType = 'credential.revoked' | 'identity.suspended';

/** The record of a taking, without what says when. */
export type Taking<T extends TakingType = TakingType> = Omit<RecordInput<T>, 'body'> & {
  readonly body: Omit<BodyOf<T>, 'effectiveAt' | 'late'>;
};

/** A taking that took effect then, and is not on record. */
export interface Late {
  readonly effectiveAt: string;
  readonly taking: Taking;
}

/** Keeps over a restart what could not be recorded. */
export interface LateStore {
  /** What an earlier run has left. */
  readonly takings: readonly Late[];
  keep(takings: readonly Late[]): Promise<void>;
}

const WHAT = 'records that are to be made late';

/** Opens the store in a folder. @throws {TallystickError} `state_unusable` */
export async function openLateStore(folder: string): Promise<LateStore> {
  const path = join(folder, 'late-records.json');
  const stored = await readStateFile(path, WHAT);
  return {
    takings: (stored as readonly Late[] | undefined) ?? [],
    keep: (takings) => writeStateFile(path, WHAT, takings as unknown as Json),
  };
}

/** Records what took a right away: at once, or later where that could not be. */
export interface LateRecords {
  /** Rejects where the record is not durable now; it is then kept, and appended as `late` as soon as that is possible. */
  append<T extends TakingType>(taking: Taking<T>): Promise<RecordRef>;
  /** Appends what waits. Rejects where that is still not possible. */
  flush(): Promise<void>;
  /** How many wait for the log to take records again. */
  readonly waiting: number;
  stop(): void;
}

/** The inputs of {@link createLateRecords}. */
export interface LateRecordsOptions {
  readonly recorder: Recorder;
  readonly store: LateStore;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly timers: Timers;
  readonly log: Log;
}

const RETRY_MS = 30_000;
/** Beyond, the sidecar's own log alone has them: each is a line there. */
const MAX_WAITING = 10_000;

export function createLateRecords({ recorder, store, clock, timers, log }: LateRecordsOptions): LateRecords {
  let waiting = [...store.takings];
  let writing = Promise.resolve();
  let retrying: Timer | undefined;

  const put = ({ taking, effectiveAt }: Late, late: boolean): Promise<RecordRef> =>
    recorder.append({ ...taking, body: { ...taking.body, effectiveAt, late } } as RecordInput<TakingType>);
  const keep = (): Promise<void> => {
    writing = writing
      .then(() => store.keep(waiting))
      .catch((error: unknown) => log.error('records to be made late are not on disk', errorFields(error)));
    return writing;
  };
  const flush = async (): Promise<void> => {
    const batch = new Set(waiting);
    if (batch.size === 0) return;
    await Promise.all([...batch].map((late) => put(late, true)));
    waiting = waiting.filter((late) => !batch.has(late));
    await keep();
  };
  const retry = (): void => {
    retrying = timers.after(RETRY_MS, () => void flush().catch(retry));
  };

  return {
    flush,
    get waiting() {
      return waiting.length;
    },
    async append(taking) {
      const made: Late = { effectiveAt: new Date(clock.nowMs()).toISOString(), taking: taking as unknown as Taking };
      try {
        return await put(made, false);
      } catch (error) {
        if (waiting.length < MAX_WAITING) {
          waiting.push(made);
          if (waiting.length === 1) retry();
          await keep();
        }
        throw error;
      }
    },
    stop: () => retrying?.cancel(),
  };
}
