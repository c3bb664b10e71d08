import type { AnchoredLog } from '../../anchor/anchored-log.ts';
import type { Anchoring } from '../../anchor/anchoring.ts';
import { errorFields, type Log } from '../../observe/log.ts';
import type { AnchoredSize } from './shard-keys.ts';

/** Makes one shard after the other known outside of its machine. */
export interface ShardAnchoring extends Anchoring {
  /** How much of the shard that takes records is known outside. */
  anchoredSize(): AnchoredSize;
  /** Goes on with the next shard, after a last round for the one that was closed. Nothing waits for it. */
  goOn(opened: AnchoredLog): void;
}

/** The inputs of {@link openShardAnchoring}. */
export interface ShardAnchoringOptions {
  /** The shard that takes records. */
  readonly log: AnchoredLog;
  /** Begins to make one shard known. */
  readonly open: (log: AnchoredLog) => Promise<Anchoring>;
  readonly logger: Log;
}

/** The head that closes a shard is asked for so long; the first record of the next one carries it anyway. */
const CLOSING_ROUND_MS = 10_000;

/** @throws {TallystickError} as a rejection: as `open` */
export async function openShardAnchoring({ log, open, logger }: ShardAnchoringOptions): Promise<ShardAnchoring> {
  let current = await open(log);
  let going: Promise<void> = Promise.resolve();
  /** Shards that were opened since the one that is anchored. */
  let behind = 0;
  let ended = false;

  const follow = async (opened: AnchoredLog): Promise<void> => {
    await current.finish(CLOSING_ROUND_MS);
    if (ended) return;
    try {
      current = await open(opened);
      behind -= 1;
    } catch (error) {
      logger.error('the new shard of the record is not made known outside; restart the sidecar', errorFields(error));
    }
  };
  const end = async (how: (last: Anchoring) => Promise<void>): Promise<void> => {
    ended = true;
    await going;
    await how(current);
  };

  return {
    status: () => current.status(),
    newest: () => current.newest(),
    get hangs() {
      return current.hangs;
    },
    anchoredSize() {
      const { quorum, replica, anchor } = current.status();
      if (quorum === 'not_asked' && !replica) return 'not_asked';
      return behind === 0 ? (anchor?.size ?? 0) : 0;
    },
    goOn(opened) {
      behind += 1;
      going = going.then(() => follow(opened));
    },
    finish: (deadlineMs) => end((last) => last.finish(deadlineMs)),
    stop: () => end((last) => last.stop()),
  };
}
