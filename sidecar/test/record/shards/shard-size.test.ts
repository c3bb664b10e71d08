import { expect, test } from 'vitest';
import { SHARD_RECORDS, shardRecords } from '../../../src/record/shards/shard-size.ts';

const MIB = 2 ** 20;

test('a shard has as many records as fill three levels of its tree, whatever the space, where none is deleted', () => {
  expect(SHARD_RECORDS).toBe(256 ** 3);
  for (const maxBytes of [0, 256 * MIB, 2 ** 50]) expect(shardRecords(maxBytes, false)).toBe(SHARD_RECORDS);
});

test('a shard that may be deleted for space is no more than an eighth of it, and never smaller than is worth it', () => {
  expect(shardRecords(256 * MIB, true)).toBe(16_384);
  expect(shardRecords(100_000 * MIB, true)).toBe(6_400_000);
  expect(shardRecords(2 ** 50, true)).toBe(SHARD_RECORDS);
  expect(shardRecords(MIB, true)).toBe(4096);
});
