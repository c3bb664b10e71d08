import { appendFileSync } from 'node:fs';
import { systemRandom } from '@tallystick/core';

/** True under `pnpm faults`: the full counts. Otherwise a sample. */
export const FULL = process.env.TALLYSTICK_FAULTS === 'full';

/** Decides every random choice of the fault tests. Printed, so that a run can be repeated: `TALLYSTICK_SEED=N`. */
export const SEED = Number(process.env.TALLYSTICK_SEED ?? Buffer.from(systemRandom.bytes(4)).readUInt32LE(0));

/** Returns how often a case is tried: `sample` in `pnpm test`, `full` in `pnpm faults`. */
export function times(sample: number, full: number): number {
  return FULL ? full : sample;
}

/** Notes how often the case of a test was tried, for the table of `pnpm faults`. */
export function tried(title: string, count: number): void {
  const file = process.env.TALLYSTICK_FAULT_COUNTS;
  if (file !== undefined) appendFileSync(file, `${title}\t${count}\n`);
}

/** Returns a generator of numbers in [0, 1) that a seed decides (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Returns `values` in an order that `random` decides. */
export function shuffled<T>(values: readonly T[], random: () => number): T[] {
  return values
    .map((value) => ({ value, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ value }) => value);
}
