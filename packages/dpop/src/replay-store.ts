import { systemClock, systemRandom, TallystickError, type Clock, type Random } from '@tallystick/core';
import { DigestSet } from './digest-set.ts';

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
  readonly clock?: Pick<Clock, 'nowMs'>;
  readonly random?: Pick<Random, 'bytes'>;
  /** Keys it holds at the most. Default 1,000,000 (32 MB). */
  readonly capacity?: number;
}

/**
 * Returns a replay store in this process's memory: right for one replica, wrong for two. Keys live in generations of
 * 15 s that are dropped whole; none is forgotten before its time.
 *
 * `reserve` throws `replay_store_unavailable` when it is full.
 */
export function createMemoryReplayStore(options: MemoryReplayStoreOptions = {}): ReplayStore {
  const { clock = systemClock, random = systemRandom, capacity = 1_000_000 } = options;
  const prefix = Buffer.from(random.bytes(16)).toString('latin1');
  const generations = new Map<number, DigestSet>();
  let latestMs = Number.NEGATIVE_INFINITY;
  return {
    reserve(key, ttlMs) {
      // A wall clock that is set back must not revive what has been dropped, nor drop what has not expired.
      latestMs = Math.max(latestMs, clock.nowMs());
      const current = Math.floor(latestMs / GENERATION_MS);
      let held = 0;
      for (const [generation, keys] of generations) {
        if (generation < current) generations.delete(generation);
        else if (keys.has(key)) return false;
        else held += keys.size;
      }
      if (held >= capacity) throw new TallystickError('replay_store_unavailable', `the memory replay store holds ${capacity} keys`);
      const last = Math.floor((latestMs + ttlMs) / GENERATION_MS);
      let keys = generations.get(last);
      if (!keys) generations.set(last, (keys = new DigestSet(prefix, capacity)));
      keys.add(key);
      return true;
    },
  };
}

const GENERATION_MS = 15_000;
