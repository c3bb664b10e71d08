import { systemRandom } from '@tallystick/core';

declare module 'vitest' {
  interface TaskMeta {
    /** How often the case of a test was tried, for the table of `pnpm faults`. */
    tried?: number;
  }
}

/** Decides every random choice of a fault test. Printed, so that a run can be repeated: `TALLYSTICK_SEED=N`. */
export const SEED = Number(process.env.TALLYSTICK_SEED ?? Buffer.from(systemRandom.bytes(4)).readUInt32LE(0));

/** Returns how many images of a crashed disk are recovered from: `sample` in `pnpm test`, more in `pnpm faults`. */
export function crashImages(sample: number): number {
  return Number(process.env.TALLYSTICK_CRASH_IMAGES ?? sample);
}

/** Returns how often a process is killed: `sample` in `pnpm test`, more in `pnpm faults`. */
export function kills(sample: number): number {
  return Number(process.env.TALLYSTICK_KILLS ?? sample);
}
