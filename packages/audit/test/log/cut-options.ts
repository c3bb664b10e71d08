import type { OpenLogOptions } from '../../src/log/open-log.ts';
import { optionsFor } from './test-log.ts';

/** What logs are opened with whose shards begin with two records, and end with two that hand on what was carried over. */
export function cutOptions(folder: string, more: Partial<OpenLogOptions> = {}): OpenLogOptions {
  return optionsFor(folder, {
    opening: ({ origin, carried }) => [
      (seq) => Buffer.from(`${seq} of ${origin}`),
      (seq) => Buffer.from(`${seq} with ${carried ? String(carried) : 'nothing'}`),
    ],
    closing: (carried, next) => [
      (seq) => Buffer.from(`${seq} hands on ${String(carried)}`),
      (seq) => Buffer.from(`${seq} is the last before ${next}`),
    ],
    ...more,
  });
}
