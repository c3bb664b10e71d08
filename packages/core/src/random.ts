import { randomBytes, randomFillSync } from 'node:crypto';

/** A source of unpredictable values. Injected, so that tests can repeat a run. */
export interface Random {
  /** Returns `length` unpredictable bytes. The caller owns them. */
  bytes(length: number): Uint8Array;
  /** Returns a number in [0, 1), for jitter only. */
  uniform(): number;
}

// Drawn many at a time: one call to the generator costs more than all else that makes an id. What was handed out is
// wiped, and what is long enough to be a secret has a call of its own.
const pool = new Uint8Array(2048);
const LONGEST_FROM_POOL = 16;
let used = pool.length;

/** The machine's cryptographic random generator. */
export const systemRandom: Random = {
  bytes(length) {
    if (length > LONGEST_FROM_POOL) return randomBytes(length);
    if (used + length > pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    const end = used + length;
    const bytes = pool.slice(used, end);
    pool.fill(0, used, end);
    used = end;
    return bytes;
  },
  uniform: () => Math.random(),
};
