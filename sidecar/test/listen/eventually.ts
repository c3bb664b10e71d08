import { expect } from 'vitest';

/** Expects of a value that it comes to be so, however loaded the machine is. */
export function eventually<T>(read: () => T) {
  return expect.poll(read, { timeout: 15_000, interval: 10 });
}
