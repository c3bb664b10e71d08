import type { LogPlace, SpaceLevel } from '@tallystick/audit';

/** A closed shard, as far as its deletion asks. */
export interface StoredShard {
  readonly place: LogPlace;
  readonly bytes: number;
  /** True where a replica has acknowledged all its records and its closing head. */
  readonly isReplicated: boolean;
}

/** The inputs of {@link deletableShards}. */
export interface DeletionFacts {
  /** Closed shards of all incarnations, the oldest first. */
  readonly shards: readonly StoredShard[];
  /** How full the logs' space is: only a need of space deletes anything. */
  readonly level: SpaceLevel;
  readonly usedBytes: number;
  /** What the space is to be brought below: where the alarm begins. */
  readonly alarmBytes: number;
  /** A legal hold: nothing is deleted, and where there is no space nothing is released. */
  readonly hold: boolean;
}

/**
 * Returns the shards that may be deleted here, the oldest first, and no more than the space asks for. One that no replica
 * has keeps all after it: what is here has no gaps. Pure.
 */
export function deletableShards({ shards, level, usedBytes, alarmBytes, hold }: DeletionFacts): StoredShard[] {
  if (hold || level === 'ok') return [];
  const chosen: StoredShard[] = [];
  let left = usedBytes;
  for (const shard of shards) {
    if (left < alarmBytes || !shard.isReplicated) break;
    chosen.push(shard);
    left -= shard.bytes;
  }
  return chosen;
}
