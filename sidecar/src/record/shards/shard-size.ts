/**
 * So many records are in a shard at the most: 256 to the third, where the lowest three levels of its tree are full. A
 * verifier reads them in a minute, and they take some 20 GiB.
 */
export const SHARD_RECORDS: number = 2 ** 24;

/** A shard that is deleted for space has to be a small part of it. */
const SHARE = 8;
/** A record with its share of the tree, and of the journal: more than most take. */
const RECORD_BYTES = 2048;
/** Fewer would cost more shards than they save space. */
const LEAST_RECORDS = 4096;

/**
 * Returns how many records are in a shard at the most. Where closed shards are deleted once a replica has them, a shard
 * takes no more than an eighth of the space, or there would be none to delete when it gets short.
 *
 * @param maxBytes What all shards may take.
 * @param isReplicated Closed shards may be deleted.
 */
export function shardRecords(maxBytes: number, isReplicated: boolean): number {
  if (!isReplicated) return SHARD_RECORDS;
  return Math.min(SHARD_RECORDS, Math.max(LEAST_RECORDS, Math.floor(maxBytes / SHARE / RECORD_BYTES)));
}
