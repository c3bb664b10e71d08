import { expect, test } from 'vitest';
import { crashImages, SEED } from '../scale.ts';
import { liveThrough, type Counts } from './log-lives.ts';

const IMAGES = crashImages(100);
/** What a sample meets, and what a thousand images meet as well. */
const FREQUENT = ['torn', 'reordered', 'dropped', 'process killed', 'crash in', 'bit in tile', 'bit in journal'];
const RARE = [
  'cut completed',
  'cut forgotten',
  'forgot',
  'eio in',
  'enospc in',
  'short in',
  'while opening',
  'repaired',
  'no proof',
];

test(
  `after every crash a log opens with all that was acknowledged, under heads that contradict none before (seed ${SEED})`,
  { timeout: 1_200_000 },
  async ({ task }) => {
    const counts: Counts = new Map();
    let images = 0;
    for (let index = 0; images < IMAGES; index++) {
      const seed = (SEED + index) >>> 0;
      try {
        images += await liveThrough(seed, counts);
      } catch (error) {
        throw new Error(`TALLYSTICK_SEED=${seed} TALLYSTICK_CRASH_IMAGES=1 repeats it: ${String(error)}`, {
          cause: error,
        });
      }
    }
    task.meta.tried = images;
    const kinds = [...counts.keys()].sort();
    if (process.env.TALLYSTICK_CRASH_IMAGES)
      console.log(kinds.map((kind) => `${counts.get(kind)}\t${kind}`).join('\n'));
    for (const kind of IMAGES < 1000 ? FREQUENT : [...FREQUENT, ...RARE]) {
      expect(
        kinds.filter((key) => key.includes(kind)),
        kind,
      ).not.toHaveLength(0);
    }
  },
);
