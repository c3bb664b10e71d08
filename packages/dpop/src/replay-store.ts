import { systemClock, systemRandom, TallystickError, type Clock, type Random } from '@tallystick/core';
import { digestOf, DigestTable } from './digest-table.ts';

/**
 * Remembers which proofs were used. Shared by all replicas that accept the same proofs, else a proof is good once at
 * each.
 */
export interface ReplayStore {
  /**
   * Takes `key` for `ttlMs` milliseconds, atomically: true when it was free, false when somebody has it.
   *
   * @throws When it cannot tell: the caller then refuses the request.
   */
  reserve(key: string, ttlMs: number): boolean | Promise<boolean>;
}

/** The inputs of {@link createMemoryReplayStore}. */
export interface MemoryReplayStoreOptions {
  readonly clock?: Clock;
  readonly random?: Pick<Random, 'bytes'>;
  /** Keys it holds at the most. Default 1,000,000 (32 to 64 MB). */
  readonly capacity?: number;
}

/**
 * Returns a replay store in this process's memory: right for one replica, wrong for two. Keys live in generations of
 * 15 s that are dropped whole; none is forgotten before its time has passed by both hands of the clock. A wall clock that
 * jumps ahead drops nothing early; and one that is set back, by which old proofs will be good again, brings none back.
 *
 * `reserve` throws `replay_store_unavailable` when it is full, and a RangeError for a `ttlMs` that is not a number
 * above zero.
 */
export function createMemoryReplayStore(options: MemoryReplayStoreOptions = {}): ReplayStore {
  const { clock = systemClock, random = systemRandom, capacity = 1_000_000 } = options;
  const prefix = Buffer.from(random.bytes(16)).toString('latin1');
  // By the generation in which their keys expire.
  const generations = new Map<number, Generation>();
  return {
    reserve(key, ttlMs) {
      if (!(ttlMs > 0 && ttlMs < Infinity)) throw new RangeError('"ttlMs" must be a number above zero');
      const nowMs = clock.monotonicMs();
      const wallMs = clock.nowMs();
      const current = Math.floor(nowMs / GENERATION_MS);
      const digest = digestOf(prefix, key);
      let held = 0;
      for (const [generation, { keys, wallEndMs }] of generations) {
        if (generation < current && wallEndMs < wallMs) generations.delete(generation);
        else if (keys.has(digest)) return false;
        else held += keys.size;
      }
      if (held >= capacity) {
        throw new TallystickError('replay_store_unavailable', `the memory replay store holds ${capacity} keys`);
      }
      const last = Math.floor((nowMs + ttlMs) / GENERATION_MS);
      let latest = generations.get(last);
      if (!latest) generations.set(last, (latest = { keys: new DigestTable(capacity), wallEndMs: 0 }));
      latest.keys.add(digest);
      latest.wallEndMs = Math.max(latest.wallEndMs, wallMs + ttlMs);
      return true;
    },
  };
}

/** Keys that expire within the same 15 s of the monotonic clock. */
interface Generation {
  readonly keys: DigestTable;
  /** When the last of them expires by the wall clock. */
  wallEndMs: number;
}

const GENERATION_MS = 15_000;
