import { expect, test } from 'vitest';
import { crashImages, SEED } from '../scale.ts';
import { liveThrough, type Counts } from './lives.ts';

const IMAGES = crashImages(800);

test(
  `after every crash: all that was acknowledged, in order; nothing else; nothing dropped comes back (seed ${SEED})`,
  { timeout: 600_000 },
  ({ task }) => {
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
    task.meta.tried = images;
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
