import { createHash } from 'node:crypto';

/** Sizes with which a writer that lives for a moment fills several segments. */
export const WRITER_SIZES = { unitBytes: 16_384, segmentBytes: 65_536 };

/** The record that a writer puts at `seq`: other bytes and another length in each life. */
export function recordOf(seq: number, life: string): Buffer {
  const digest = createHash('sha256').update(`${life} ${seq}`).digest();
  return Buffer.concat([Buffer.from(`${life} ${seq} `), Buffer.alloc(digest[0]! * 4, digest)]);
}
