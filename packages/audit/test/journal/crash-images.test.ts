import { expect, test } from 'vitest';
import { systemRandom } from '@tallystick/core';
import { liveThrough, type Counts } from './lives.ts';

const IMAGES = Number(process.env.TALLYSTICK_CRASH_IMAGES ?? 2000);
const SEED = Number(process.env.TALLYSTICK_SEED ?? Buffer.from(systemRandom.bytes(4)).readUInt32LE(0));

test(
  `after every crash: all that was acknowledged, in order; nothing else; nothing dropped comes back (seed ${SEED})`,
  { timeout: 600_000 },
  () => {
    const counts: Counts = new Map();
    let images = 0;
    for (let index = 0; images < IMAGES; index++) {
      const seed = (SEED + index) >>> 0;
      try {
        images += liveThrough(seed, counts);
      } catch (error) {
        throw new Error(`TALLYSTICK_SEED=${seed} TALLYSTICK_CRASH_IMAGES=1 repeats it: ${String(error)}`, {
          cause: error,
        });
      }
    }
    if (process.env.TALLYSTICK_CRASH_IMAGES)
      console.log(
        [...counts]
          .sort(([a], [b]) => a.localeCompare(b))
          .map(([kind, met]) => `${met}\t${kind}`)
          .join('\n'),
      );
    const kinds = [...counts.keys()];
    for (const kind of [
      'torn',
      'reordered',
      'dropped',
      'names not durable',
      'forgot',
      'process killed',
      'eio in datasync',
      'enospc in write',
      'crash in unlink within a recovery',
      'flipped',
    ]) {
      expect(
        kinds.filter((key) => key.includes(kind)),
        kind,
      ).not.toHaveLength(0);
    }
  },
);
