import { backoffMs, type Clock, type Random } from '@tallystick/core';
import { exchange, parseJson } from './exchange.ts';
import { Fault } from './fault.ts';
import { parseKeySet, selectKey, type IssuerKey, type SignatureHeader } from './key-set.ts';
import type { Location } from './location.ts';

/** The keys of one issuer. */
export interface KeySource {
  /**
   * Returns the key that `header` means; reads the set again where it has no such key, or has not been read for long.
   *
   * @throws {Fault} `token_key`: there is none; `keys_unavailable`: that cannot be told.
   */
  find(header: SignatureHeader): Promise<IssuerKey>;
  /** True while `key` is in the set, and the set is recent enough to go by. */
  trusts(key: IssuerKey): boolean;
}

/** The inputs of {@link createKeySource}. */
export interface KeySourceOptions {
  readonly issuer: string;
  readonly location: Location;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly random: Pick<Random, 'uniform'>;
  /** For how long the last good set is gone by while no newer one can be had. */
  readonly maxAgeMs: number;
}

/** After this time a set is read again, beside the request that asked. */
const FRESH_MS = 300_000;
/** Unknown keys make the set be read again, but not more often than this. */
const COOLDOWN_MS = 10_000;
/** The longest wait after a failure. */
const MAX_RETRY_MS = 30_000;
const TIMEOUT_MS = 5_000;
const MAX_BYTES = 262_144;

/** Returns keys that never change. */
export function fixedKeys(keys: readonly IssuerKey[]): KeySource {
  return {
    async find(header) {
      const key = selectKey(keys, header);
      if (!key) throw new Fault('token_key', 'the token is signed by a key that its issuer has not');
      return key;
    },
    trusts: (key) => keys.includes(key),
  };
}

/**
 * Returns keys that are read from a location: at first use, every 5 minutes of use, and when a key is unknown. There is
 * never more than one read at a time, nor one within 10 s of the last good one, whatever the tokens name; after a failure the
 * next is tried after 1 s, then ever later up to 30 s.
 */
export function createKeySource({ issuer, location, clock, random, maxAgeMs }: KeySourceOptions): KeySource {
  let keys: readonly IssuerKey[] = [];
  let loadedMs = Number.NEGATIVE_INFINITY;
  let nextMs = Number.NEGATIVE_INFINITY;
  let failures = 0;
  let failure: unknown;
  let loading: Promise<void> | undefined;

  const isOlderThan = (ageMs: number): boolean => !(clock.monotonicMs() - loadedMs <= ageMs);

  async function load(): Promise<void> {
    try {
      keys = parseKeySet(await readSet(location), keys);
      loadedMs = clock.monotonicMs();
      nextMs = loadedMs + COOLDOWN_MS;
      failures = 0;
    } catch (error) {
      failure = error;
      nextMs = clock.monotonicMs() + Math.min(backoffMs(failures++, random.uniform()), MAX_RETRY_MS);
    }
  }

  /** Never rejects; `failures` tells. */
  function loadWhenDue(): Promise<void> {
    if (!loading) {
      if (clock.monotonicMs() < nextMs) return Promise.resolve();
      loading = load().finally(() => (loading = undefined));
    }
    return loading;
  }

  const unavailable = (): Fault =>
    new Fault('keys_unavailable', `the keys of ${issuer} cannot be read at present`, failure);

  return {
    async find(header) {
      if (isOlderThan(maxAgeMs)) await loadWhenDue();
      if (isOlderThan(maxAgeMs)) throw unavailable();
      if (isOlderThan(FRESH_MS)) void loadWhenDue();
      const held = selectKey(keys, header);
      if (held) return held;
      await loadWhenDue();
      const found = selectKey(keys, header);
      if (found) return found;
      // It may be new, and the issuer out of reach: the client should come again, not get another token.
      if (failures > 0) throw unavailable();
      throw new Fault('token_key', 'the token is signed by a key that its issuer has not');
    },
    trusts(key) {
      if (isOlderThan(FRESH_MS)) void loadWhenDue();
      return keys.includes(key) && !isOlderThan(maxAgeMs);
    },
  };
}

async function readSet(location: Location): Promise<unknown> {
  const accept = 'application/jwk-set+json, application/json';
  const { status, body } = await exchange(location, { accept, maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS });
  if (status !== 200) throw new Error(`the answer has status ${status}`);
  return parseJson(body);
}
