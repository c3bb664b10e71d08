import { createHmac } from 'node:crypto';
import type { Clock } from '@tallystick/core';

/** Makes and recognises the nonces of one server (RFC 9449 §8, §9). Stateless: all from a secret and the time. */
export interface NonceSource {
  /** The nonce to hand out now. */
  current(): string;
  /** The step in which `nonce` was handed out, when it is still accepted (the current step and its neighbours); else undefined. */
  stepOf(nonce: string): number | undefined;
  /** The step of this instant. */
  currentStep(): number;
  /** Milliseconds for which one nonce is accepted at the most: three steps. */
  readonly windowMs: number;
}

/** The inputs of {@link createNonceSource}. */
export interface NonceOptions {
  /** At least 32 bytes. Servers that share it accept each other's nonces. */
  readonly secret: Uint8Array;
  /** Keeps the nonces of different servers apart under one secret. */
  readonly realm: string;
  /**
   * Where the secret is not shared, give it monotonic time as `nowMs`: a wall clock that jumps ahead and back leaves
   * the source waiting on its last step (see {@link createNonceSource}).
   */
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Default 15 s. */
  readonly stepMs?: number;
}

/**
 * Returns a source whose nonce changes with every step; those of the current step and of its neighbours are accepted.
 *
 * Steps never go back: under a clock that is set back the step stands still until the clock has caught up, because
 * a step that comes again would make proofs good whose `jti` has been forgotten.
 *
 * @throws {TypeError} The secret is shorter than 32 bytes, or `stepMs` is not above zero.
 */
export function createNonceSource({ secret, realm, clock, stepMs = 15_000 }: NonceOptions): NonceSource {
  if (secret.length < 32) throw new TypeError('"secret" must have at least 32 bytes');
  if (!(stepMs > 0)) throw new TypeError('"stepMs" must be above zero');
  const key = Buffer.from(secret);
  const make = (step: number): string =>
    createHmac('sha256', key).update(`${realm}\0${step}`).digest().toString('base64url', 0, 18);
  let step = Number.NEGATIVE_INFINITY;
  let window: readonly [before: string, now: string, after: string] = ['', '', ''];
  const turn = (): void => {
    const now = Math.floor(clock.nowMs() / stepMs);
    if (now <= step) return;
    step = now;
    window = [make(step - 1), make(step), make(step + 1)];
  };
  return {
    windowMs: 3 * stepMs,
    currentStep() {
      turn();
      return step;
    },
    current() {
      turn();
      return window[1];
    },
    stepOf(nonce) {
      turn();
      // A nonce is handed to whoever asks: comparing it in constant time would guard nothing.
      if (nonce === window[1]) return step;
      if (nonce === window[0]) return step - 1;
      return nonce === window[2] ? step + 1 : undefined;
    },
  };
}
