import type { Log } from '@tallystick/audit';
import { errorFields, type Log as Lines } from '../observe/log.ts';
import type { Carries, OpenedRecorder } from './open-recorder.ts';
import type { RecordedRegistry } from './recorded-registry.ts';
import { forgetKeys, type AnchoredSize } from './shard-keys.ts';

/** The inputs of {@link startShardCutting}. */
export interface ShardCuttingOptions extends Omit<Carries, 'identities' | 'onCut'> {
  readonly recorder: OpenedRecorder;
  readonly recorded: RecordedRegistry;
  /** Folder of the keys. */
  readonly keys: string;
  /** How much of the newest shard is known outside of this machine. */
  readonly anchored: () => AnchoredSize;
  /** Told of each cut, with the shard that takes records now. */
  readonly onCut: (opened: Log) => void;
  readonly log: Lines;
}

/** What is done about the shards of a running sidecar. */
export interface ShardCutting {
  /** Removes the keys of closed shards where they may go: to be called when more is anchored. Does not reject. */
  forgetKeys(): Promise<void>;
}

/** Has shards cut from now on, and the keys of closed ones removed: those that are left, and after each cut. */
export function startShardCutting(options: ShardCuttingOptions): ShardCutting {
  const { recorder, recorded, keys, anchored, log } = options;
  const forget = async (): Promise<void> => {
    try {
      for (const { incarnation, shard } of await forgetKeys(keys, recorder.place, anchored())) {
        log.info('the private key of a closed shard is removed', { shard: `${incarnation}/${shard}` });
      }
    } catch (error) {
      log.error('the private key of a closed shard could not be removed', errorFields(error));
    }
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
      options.onCut(opened);
      void forget();
    },
  });
  void forget();
  return { forgetKeys: forget };
}
