import type { Timer, Timers } from '@tallystick/core';
import { errorFields, type Log } from '../../observe/log.ts';
import type { Carries, OpenedRecorder } from '../opened-recorder.ts';
import type { RecordedRegistry } from '../registry/recorded-registry.ts';
import { forgetKeys } from './shard-keys.ts';

/** The inputs of {@link startShardCutting}. */
export interface ShardCuttingOptions extends Omit<Carries, 'identities' | 'onCut'> {
  readonly recorder: OpenedRecorder;
  readonly recorded: RecordedRegistry;
  /** Folder of the keys. */
  readonly keys: string;
  readonly timers: Timers;
  readonly log: Log;
}

/** How often it is looked whether a key may go that had to stay, in milliseconds. */
const LOOK_AGAIN_MS = 60_000;

/**
 * Has shards cut from now on, and the keys of closed ones removed: those that are left, and after each cut. Returns what
 * ends the latter.
 */
export function startShardCutting(options: ShardCuttingOptions): () => Promise<void> {
  const { recorder, recorded, keys, timers, log } = options;
  let timer: Timer | undefined;
  let ended = false;
  let forgetting: Promise<void> = Promise.resolve();

  const forget = async (): Promise<void> => {
    timer?.cancel();
    if (ended) return;
    try {
      const { gone, isWaiting } = await forgetKeys(keys, recorder.place, recorder.anchoredSize());
      for (const { incarnation, shard } of gone) {
        log.info('the private key of a closed shard is removed', { shard: `${incarnation}/${shard}` });
      }
      if (isWaiting && !ended) timer = timers.after(LOOK_AGAIN_MS, start);
    } catch (error) {
      log.error('the private key of a closed shard could not be removed', errorFields(error));
    }
  };
  const start = (): void => {
    forgetting = forgetting.then(forget);
  };

  recorder.startCutting({
    identities: recorded.identities.values(),
    isSuspended: options.isSuspended,
    leases: options.leases,
    onCut(closed, opened, identities) {
      log.info('the record goes on in another shard: add its key to the trust policy', {
        record: opened.origin,
        vkey: opened.vkey,
        closed: closed.origin,
        records: closed.head()!.size,
      });
      recorded.keep(new Map(identities.map((object) => [object.id, object]))).catch((error: unknown) => {
        // The new shard has them: the next start reads them there.
        log.error('the copy of the identities on record could not be written', errorFields(error));
      });
      start();
    },
  });
  start();
  return async () => {
    ended = true;
    timer?.cancel();
    await forgetting;
  };
}
