import { systemRandom } from '@tallystick/core';
import { expect, test } from 'vitest';
import { liveThrough, type Counts } from './log-lives.ts';

const IMAGES = Number(process.env.TALLYSTICK_CRASH_IMAGES ?? 150);
const SEED = Number(process.env.TALLYSTICK_SEED ?? Buffer.from(systemRandom.bytes(4)).readUInt32LE(0));
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
  { timeout: 600_000 },
  async () => {
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
