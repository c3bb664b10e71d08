import { expect, test } from 'vitest';
import type { AnchoredLog } from '../../../src/anchor/anchored-log.ts';
import type { Anchoring } from '../../../src/anchor/anchoring.ts';
import { NOT_ANCHORED, type AnchoringStatus } from '../../../src/anchor/anchoring-status.ts';
import { openShardAnchoring } from '../../../src/record/shards/shard-anchoring.ts';
import { memoryLog } from '../../memory-log.ts';

const logAt = (shard: number): AnchoredLog => ({
  origin: `acme.example/sc-1/1/${shard}`,
  place: { incarnation: 1, shard },
  published: () => undefined,
  publish: async () => {},
});

/** Anchorings of one shard each, and what was asked of them, in its order. */
function opener(fails?: number) {
  const told: string[] = [];
  const sizes = new Map<number, number>();
  const finishing = new Map<number, PromiseWithResolvers<void>>();
  const open = async ({ place: { shard } }: AnchoredLog): Promise<Anchoring> => {
    told.push(`open ${shard}`);
    if (shard === fails) throw new Error('forked');
    const status = (): AnchoringStatus => {
      const size = sizes.get(shard);
      return { ...NOT_ANCHORED, quorum: 'missed', anchor: size === undefined ? null : { size, ageMs: 0 } };
    };
    return {
      status,
      newest: () => undefined,
      hangs: false,
      async finish() {
        told.push(`finish ${shard}`);
        await finishing.get(shard)?.promise;
      },
      stop: async () => void told.push(`stop ${shard}`),
    };
  };
  return { told, sizes, finishing, open };
}

test('a closed shard gets a last round before the next one is anchored, and nothing of the next is known until then', async () => {
  const { told, sizes, finishing, open } = opener();
  sizes.set(1, 40);
  sizes.set(2, 3);
  finishing.set(1, Promise.withResolvers());
  const anchoring = await openShardAnchoring({ log: logAt(1), open, logger: memoryLog() });
  expect(anchoring.anchoredSize()).toBe(40);
  anchoring.goOn(logAt(2));
  await expect.poll(() => told).toEqual(['open 1', 'finish 1']);
  expect(anchoring.anchoredSize()).toBe(0);
  finishing.get(1)!.resolve();
  await expect.poll(() => anchoring.anchoredSize()).toBe(3);
  await anchoring.finish(10);
  expect(told).toEqual(['open 1', 'finish 1', 'open 2', 'finish 2']);
});

test('a stop in the middle waits for the last round, and opens nothing more', async () => {
  const { told, finishing, open } = opener();
  finishing.set(1, Promise.withResolvers());
  const anchoring = await openShardAnchoring({ log: logAt(1), open, logger: memoryLog() });
  anchoring.goOn(logAt(2));
  await expect.poll(() => told).toContain('finish 1');
  const stopped = anchoring.stop();
  finishing.get(1)!.resolve();
  await stopped;
  expect(told).toEqual(['open 1', 'finish 1', 'stop 1']);
});

test('a shard that cannot be anchored is told, and holds up nothing', async () => {
  const { open } = opener(2);
  const logger = memoryLog();
  const anchoring = await openShardAnchoring({ log: logAt(1), open, logger });
  anchoring.goOn(logAt(2));
  await expect.poll(() => logger.lines.length).toBe(1);
  expect(anchoring.anchoredSize()).toBe(0);
  await anchoring.stop();
});

test('where nobody outside is asked, no key waits for them', async () => {
  const nobody: Anchoring = {
    status: () => NOT_ANCHORED,
    newest: () => undefined,
    hangs: false,
    finish: async () => {},
    stop: async () => {},
  };
  const anchoring = await openShardAnchoring({ log: logAt(1), open: async () => nobody, logger: memoryLog() });
  expect(anchoring.anchoredSize()).toBe('not_asked');
});
