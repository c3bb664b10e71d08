import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deletableShards, type DeletionFacts } from '../../../src/record/shards/shard-deletion.ts';

const shards = (...replicated: boolean[]): DeletionFacts['shards'] =>
  replicated.map((isReplicated, i) => ({ place: { incarnation: 1, shard: i + 1 }, bytes: 100, isReplicated }));
const chosen = (facts: Partial<DeletionFacts>): number[] =>
  deletableShards({
    shards: shards(true, true, true),
    level: 'alarm',
    usedBytes: 900,
    alarmBytes: 800,
    hold: false,
    ...facts,
  }).map(({ place }) => place.shard);

describe('which closed shards may be deleted', () => {
  test('is none where there is space', () => {
    expect(chosen({ level: 'ok', usedBytes: 799 })).toEqual([]);
  });

  test('is the oldest, and no more than the space asks for', () => {
    expect(chosen({})).toEqual([1, 2]);
    expect(chosen({ usedBytes: 899 })).toEqual([1]);
    expect(chosen({ level: 'full', usedBytes: 5000 })).toEqual([1, 2, 3]);
  });

  test('is none that no replica has, and none after such a one', () => {
    expect(chosen({ shards: shards(false, true, true) })).toEqual([]);
    expect(chosen({ shards: shards(true, false, true) })).toEqual([1]);
  });

  test('is none under a legal hold, though nothing can be released any more', () => {
    expect(chosen({ level: 'full', usedBytes: 5000, hold: true })).toEqual([]);
  });

  test('never leaves a gap, and never takes what is nowhere else', () => {
    const facts = fc.record({
      shards: fc.array(fc.boolean(), { maxLength: 8 }).map((flags) => shards(...flags)),
      level: fc.constantFrom('ok' as const, 'alarm' as const, 'full' as const),
      usedBytes: fc.nat(2000),
      alarmBytes: fc.nat(2000),
      hold: fc.boolean(),
    });
    fc.assert(
      fc.property(facts, (each) => {
        const found = deletableShards(each);
        expect(found).toEqual(each.shards.slice(0, found.length));
        expect(found.every(({ isReplicated }) => isReplicated)).toBe(true);
      }),
    );
  });
});
