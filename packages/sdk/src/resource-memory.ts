import type { Clock } from '@tallystick/core';
import { correctedOffsetMs } from './clock-skew.ts';
import { nonceOf } from './nonce-text.ts';
import { RecentMap } from './recent-map.ts';

/** How many API origins are remembered. */
const MAX_ORIGINS = 100;

/** What was learned of each API, by URL origin: its newest nonce (RFC 9449 §8.2), and how its clock differs from ours. */
export class ResourceMemory {
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #nonces = new RecentMap<string, string>(MAX_ORIGINS);
  readonly #offsetsMs = new RecentMap<string, number>(MAX_ORIGINS);

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock;
  }

  nonce(origin: string): string | undefined {
    return this.#nonces.get(origin);
  }

  /** Keeps the nonce of an answer, whatever its status. Returns it, or undefined where the answer has none. */
  learnNonce(origin: string, header: string | null | undefined): string | undefined {
    if (header === null || header === undefined) return undefined;
    const nonce = nonceOf(header);
    if (nonce !== undefined && nonce !== this.#nonces.get(origin)) this.#nonces.set(origin, nonce);
    return nonce;
  }

  /** Seconds since the epoch, by the clock of `origin` as far as it is known. */
  issuedAt(origin: string): number {
    return Math.floor((this.#clock.nowMs() + (this.#offsetsMs.get(origin) ?? 0)) / 1000);
  }

  /** Corrects the clock of `origin` by a `Date` header. True when it was off by more than 5 s. */
  learnClock(origin: string, dateHeader: string | null | undefined): boolean {
    const offsetMs = correctedOffsetMs(dateHeader, this.#clock.nowMs(), this.#offsetsMs.get(origin) ?? 0);
    if (offsetMs === undefined) return false;
    this.#offsetsMs.set(origin, offsetMs);
    return true;
  }
}
