import { LogError } from './log-error.ts';
import { comparePlaces, type LogPlace } from './log-place.ts';
import type { ExpectedRoot } from './restore-tree.ts';

/** A head of one of our logs that is known outside this machine: at a witness, in a replica, with an SDK. */
export interface Anchor {
  readonly place: LogPlace;
  readonly size: number;
  readonly root: Uint8Array;
}

/**
 * Returns what an anchor demands of the tree of the newest log: nothing where it is of an older one.
 *
 * @param size How many records the newest log has.
 * @throws {LogError} `behind_anchor`: more was anchored than is there. The folder was restored from an older copy, or
 *   its disk has lost what it had called durable.
 */
export function judgeAnchor(anchor: Anchor, place: LogPlace, size: number): ExpectedRoot[] {
  const order = comparePlaces(anchor.place, place);
  if (order > 0 || (order === 0 && anchor.size > size)) {
    throw new LogError(
      'behind_anchor',
      `the log ends at ${size} records of shard ${place.incarnation}/${place.shard}, and ${anchor.size} of ${anchor.place.incarnation}/${anchor.place.shard} were anchored`,
    );
  }
  if (order < 0 || anchor.size === 0) return [];
  return [
    {
      size: anchor.size,
      root: anchor.root,
      fault: 'forked',
      description: `the log has another root than the one anchored at ${anchor.size} records`,
    },
  ];
}
