import { expect, test } from 'vitest';
import { createMemoryReplayStore, createRedisReplayStore } from '../src/index.ts';
import { manualClock, type ManualClock } from './manual-clock.ts';
import { replayStoreSuite } from './replay-store-suite.ts';

replayStoreSuite('the memory of one process', () => {
  const clock = manualClock();
  const store = createMemoryReplayStore({ clock });
  // Generations of 15 s are dropped whole.
  return { stores: [store, store], pass: (ms) => clock.advance(ms), graceMs: 15_000 };
});

/** `SET key value NX PX ttl`, as Redis does it, for the forms in which its two clients send it. */
function redisCommands(clock: ManualClock): {
  seen: string[][];
  send: (command: readonly string[]) => Promise<unknown>;
} {
  const expiresMs = new Map<string, number>();
  const seen: string[][] = [];
  return {
    seen,
    send([name, key, value, nx, px, ttl]) {
      seen.push([name!, key!, value!, nx!, px!, ttl!]);
      const isTaken = (expiresMs.get(key!) ?? 0) > clock.monotonicMs();
      if (!isTaken) expiresMs.set(key!, clock.monotonicMs() + Number(ttl));
      return Promise.resolve(isTaken ? null : 'OK');
    },
  };
}

replayStoreSuite('Redis by ioredis', () => {
  const clock = manualClock();
  const { send } = redisCommands(clock);
  const client = { call: (command: string, ...args: string[]) => send([command, ...args]) };
  return {
    stores: [createRedisReplayStore(client), createRedisReplayStore(client)],
    pass: (ms) => clock.advance(ms),
    graceMs: 0,
  };
});

replayStoreSuite('Redis by redis', () => {
  const clock = manualClock();
  const { send } = redisCommands(clock);
  const client = { sendCommand: (command: string[]) => send(command) };
  return {
    stores: [createRedisReplayStore(client), createRedisReplayStore(client)],
    pass: (ms) => clock.advance(ms),
    graceMs: 0,
  };
});

test('Redis is asked in one command, with a key of fixed length that shows nothing of the jti', async () => {
  const { seen, send } = redisCommands(manualClock());
  const store = createRedisReplayStore({ sendCommand: send }, { prefix: 'api:' });
  await store.reserve('thumbprint:jti', 75_000.5);
  expect(seen).toEqual([['SET', expect.stringMatching(/^api:[\w-]{43}$/), '1', 'NX', 'PX', '75001']]);
});

test.each([undefined, 'QUEUED', 1, ''])(
  'an answer of Redis that is neither OK nor nil is no answer: %j',
  async (reply) => {
    const store = createRedisReplayStore({ sendCommand: () => Promise.resolve(reply) });
    await expect(store.reserve('key', 1_000)).rejects.toThrow('redis answered');
  },
);
