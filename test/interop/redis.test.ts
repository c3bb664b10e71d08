import { startSidecar, type TestSidecar } from '@tallystick/testing';
import type { Identity } from '@tallystick/sdk';
import {
  createRedisReplayStore,
  createVerifier,
  Refusal,
  type RedisClient,
  type Verifier,
} from '@tallystick/resource-server';
import { Redis as IoRedis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRedis, type Redis } from '../servers/redis.ts';
import { describeWithServers } from '../servers/require-server.ts';

const API = 'https://ledger.acme.example';
const WORKLOAD = 'spiffe://acme.example/payments/close-batch';

/** One copy of the API, with its own connection to the store that all copies share. */
interface Replica {
  readonly client: RedisClient;
  readonly verifier: Verifier;
  close(): void;
}

describeWithServers(['redis'], 'Redis as the replay store that the copies of an API share', () => {
  let redis: Redis;
  let sidecar: TestSidecar;
  let workload: Identity;
  beforeAll(async () => {
    redis = await startRedis();
    sidecar = await startSidecar({
      identities: [{ id: WORKLOAD, entitlements: ['ledger-api'] }],
      credentials: { 'ledger-api': { audience: API, use: [`${API}/`] } },
    });
    workload = await sidecar.connect(WORKLOAD);
  });
  afterAll(async () => {
    await sidecar?.close();
    await redis?.stop();
  });

  const withIoRedis = async (): Promise<Replica> => {
    const client = new IoRedis(redis.port, '127.0.0.1', { retryStrategy: null });
    client.on('error', () => {});
    return { client, verifier: await verifierOver(client), close: () => client.disconnect() };
  };
  const withNodeRedis = async (): Promise<Replica> => {
    const client = createClient({ url: redis.url, socket: { reconnectStrategy: false } });
    client.on('error', () => {});
    await client.connect();
    return { client, verifier: await verifierOver(client), close: () => client.destroy() };
  };
  const verifierOver = async (client: RedisClient): Promise<Verifier> =>
    createVerifier({
      ...(await sidecar.verifierOptions({ audience: API, publicOrigins: [API] })),
      replayStore: createRedisReplayStore(client),
    });
  const request = async (): Promise<Request> =>
    new Request(`${API}/journal`, {
      headers: { ...(await workload.authorize({ method: 'GET', url: `${API}/journal` })) },
    });
  const verdict = (replica: Replica, asked: Request): Promise<string> =>
    replica.verifier.verify(asked).then(
      ({ identity }) => identity,
      (error: unknown) => (Refusal.is(error) ? error.reason : String(error)),
    );

  describe.each([
    ['ioredis', withIoRedis, withIoRedis],
    ['redis', withNodeRedis, withNodeRedis],
    ['ioredis at one copy, redis at the other', withIoRedis, withNodeRedis],
  ])('by %s', (_, connectFirst, connectSecond) => {
    let first: Replica;
    let second: Replica;
    beforeAll(async () => void ([first, second] = await Promise.all([connectFirst(), connectSecond()])));
    afterAll(() => [first, second].forEach((replica) => replica?.close()));

    test('RFC 9449 §11.1: a proof that one copy has accepted is refused by the other', async () => {
      const asked = await request();
      expect(await verdict(first, asked)).toBe(WORKLOAD);
      expect(await verdict(second, asked)).toBe('proof_replayed');
      expect(await verdict(second, await request())).toBe(WORKLOAD);
    });

    test('of many copies of one proof at the same time, one is accepted', async () => {
      const asked = await request();
      const verdicts = await Promise.all(
        Array.from({ length: 40 }, (_each, at) => verdict(at % 2 ? first : second, asked)),
      );
      expect(verdicts.filter((each) => each === WORKLOAD)).toHaveLength(1);
      expect(verdicts.filter((each) => each === 'proof_replayed')).toHaveLength(39);
    });
  });

  test('a proof is kept no longer than it could be used, and no text of the client is', async () => {
    const replica = await withIoRedis();
    const client = replica.client as IoRedis;
    await client.flushall();
    await replica.verifier.verify(await request());
    const [key, ...others] = await client.keys('*');
    expect(others).toEqual([]);
    expect(key).toMatch(/^tallystick:proof:[\w-]{43}$/);
    expect(await client.pttl(key!)).toBeGreaterThan(0);
    expect(await client.pttl(key!)).toBeLessThanOrEqual(10 * 60_000);
    replica.close();
  });

  test('a store that is full accepts nothing: the answer is 503, and good again when there is room', async () => {
    const replica = await withIoRedis();
    const client = replica.client as IoRedis;
    await client.config('SET', 'maxmemory', '1');
    expect(await verdict(replica, await request())).toBe('replay_store_unavailable');
    await client.config('SET', 'maxmemory', '0');
    expect(await verdict(replica, await request())).toBe(WORKLOAD);
    replica.close();
  });

  test.each([
    ['ioredis', withIoRedis],
    ['redis', withNodeRedis],
  ])('a store that is gone accepts nothing (%s)', async (_, connect) => {
    const replica = await connect();
    await redis.stop();
    await expect(replica.verifier.verify(await request())).rejects.toMatchObject({
      reason: 'replay_store_unavailable',
      status: 503,
      retryable: true,
    });
    replica.close();
    redis = await startRedis();
  });
});
