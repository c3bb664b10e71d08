import { expect } from 'vitest';

/** An assertion that is asked for again until it holds, for as long as a busy machine may need. */
export function eventually<T>(value: () => T): ReturnType<typeof expect.poll<T>> {
  return expect.poll(value, { timeout: 15_000, interval: 5 });
}
