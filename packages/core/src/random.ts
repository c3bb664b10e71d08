import { randomBytes } from 'node:crypto';

/** A source of unpredictable values. Injected, so that tests can repeat a run. */
export interface Random {
  /** Returns `length` unpredictable bytes. The caller owns them. */
  bytes(length: number): Uint8Array;
  /** Returns a number in [0, 1), for jitter only. */
  uniform(): number;
}

/** The machine's cryptographic random generator. */
export const systemRandom: Random = {
  bytes: (length) => randomBytes(length),
  uniform: () => Math.random(),
};
