import { hash } from 'node:crypto';
import type { ReplayStore } from '@tallystick/dpop';

/** A client of Redis: that of `ioredis` has `call`, that of `redis` has `sendCommand`. */
export type RedisClient =
  | { call(command: string, ...args: string[]): Promise<unknown> }
  | { sendCommand(command: string[]): Promise<unknown> };

/** The inputs of {@link createRedisReplayStore}. */
export interface RedisReplayStoreOptions {
  /** Begins every key. Default `tallystick:proof:`. */
  readonly prefix?: string;
}

/**
 * Returns a replay store that replicas share: one `SET key 1 NX PX ttl` a proof.
 *
 * The server must not evict: under `maxmemory-policy` other than `noeviction` it forgets proofs that are still good.
 * A client that queues commands while it is not connected makes requests wait; after 2 s they are refused.
 */
export function createRedisReplayStore(client: RedisClient, options: RedisReplayStoreOptions = {}): ReplayStore {
  const { prefix = 'tallystick:proof:' } = options;
  const send = (command: string, ...args: string[]): Promise<unknown> =>
    'call' in client ? client.call(command, ...args) : client.sendCommand([command, ...args]);
  return {
    async reserve(key, ttlMs) {
      // Hashed: a `jti` is up to 256 characters of the client's choice.
      const name = prefix + hash('sha256', key, 'base64url');
      const reply = await send('SET', name, '1', 'NX', 'PX', String(Math.ceil(ttlMs)));
      if (reply === null) return false;
      if (reply === 'OK') return true;
      throw new Error('redis answered SET with something other than OK and nil');
    },
  };
}
