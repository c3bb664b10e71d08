import { backoffMs, type Clock, type Random } from '@tallystick/core';
import { wait } from './waits.ts';

/** `open`: not asked until a time has passed. `half-open`: one call asks, and its outcome decides. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/**
 * Keeps an upstream that does not serve from being asked. Opens after some failures in a row, or at once where the
 * upstream says for how long it wants to be left alone; then one call probes it, after a wait that grows.
 */
export interface Breaker {
  readonly state: BreakerState;
  /** Milliseconds for which no call is let through; undefined while one is. */
  refusesMs(): number | undefined;
  /** Lets a call through, to be told of its outcome once; undefined while none is. */
  admit(): Pass | undefined;
}

/** A call that was let through. Its outcome counts only while nothing has been decided since. */
export interface Pass {
  /** The upstream answered, though it may have refused. */
  answered(): void;
  /** @param retryAfterMs How long the upstream wants to be left alone. */
  troubled(retryAfterMs: number | undefined): void;
  /** Cut off by us: nothing is known. */
  abandoned(): void;
}

/** The inputs of {@link createBreaker}. */
export interface BreakerOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly random: Pick<Random, 'uniform'>;
  /** How many sidecars share the upstream. */
  readonly fleetSize: () => number;
  /** Told of each change to closed or to open. */
  readonly changed: (state: 'closed' | 'open') => void;
}

/** Failures in a row that open it. */
export const FAILURES_TO_OPEN = 5;
/** What a whole fleet may ask of an upstream that perhaps is back, in probes a second. */
export const FLEET_PROBES_PER_SECOND = 50;
const MAX_SPLAY_MS = 300_000;
/** What those wait who come while one probes: its outcome is theirs. */
const PROBE_MS = 1000;

export function createBreaker({ clock, random, fleetSize, changed }: BreakerOptions): Breaker {
  let isClosed = true;
  let failures = 0;
  let openings = 0;
  let untilMs = 0;
  let probing = false;
  // Calls that began before the last decision tell nothing about what has been since.
  let generation = 0;

  const open = (retryAfterMs = 0): void => {
    const splayMs = random.uniform() * Math.min((fleetSize() * 1000) / FLEET_PROBES_PER_SECOND, MAX_SPLAY_MS);
    const waitMs = wait(Math.max(retryAfterMs, backoffMs(openings, random.uniform())) + splayMs);
    openings++;
    generation++;
    isClosed = false;
    probing = false;
    untilMs = clock.monotonicMs() + waitMs;
    changed('open');
  };
  const close = (): void => {
    isClosed = true;
    probing = false;
    failures = 0;
    openings = 0;
    generation++;
    changed('closed');
  };
  const refusesMs = (): number | undefined => {
    if (isClosed) return undefined;
    const leftMs = untilMs - clock.monotonicMs();
    if (leftMs > 0) return wait(leftMs);
    return probing ? PROBE_MS : undefined;
  };

  return {
    get state() {
      if (isClosed) return 'closed';
      return probing ? 'half-open' : 'open';
    },
    refusesMs,
    admit() {
      if (refusesMs() !== undefined) return undefined;
      const isProbe = !isClosed;
      probing = isProbe;
      const own = generation;
      const isStale = (): boolean => generation !== own;
      return {
        answered() {
          if (isStale()) return;
          failures = 0;
          if (isProbe) close();
        },
        troubled(retryAfterMs) {
          if (isStale()) return;
          failures++;
          if (isProbe || retryAfterMs !== undefined || failures >= FAILURES_TO_OPEN) open(retryAfterMs);
        },
        abandoned() {
          if (!isStale() && isProbe) probing = false;
        },
      };
    },
  };
}
