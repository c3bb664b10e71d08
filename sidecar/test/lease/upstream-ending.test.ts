import { TallystickError } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import { createUpstreamEnding, type EndedStatus } from '../../src/lease/upstream-ending.ts';
import type { Lease } from '../../src/lease/lease.ts';
import type { UpstreamLease } from '../../src/state/upstream-leases.ts';
import { manualTime } from '../manual-time.ts';
import { testProvider } from '../providers/test-provider.ts';
import { keyOf } from './leases.ts';

const HOUR = 3_600_000;
const away = (retryAfterMs?: number) =>
  new TallystickError('upstream_unavailable', 'away', retryAfterMs === undefined ? {} : { retryAfterMs });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function endings(options: { judgeKept?: (kept: UpstreamLease) => 'end' | 'wait' | 'drop' } = {}) {
  const time = manualTime();
  const provider = testProvider(time);
  const told: [string, EndedStatus][] = [];
  const settled: string[] = [];
  const stop = new AbortController();
  const ending = createUpstreamEnding({
    ended: ({ leaseId }, status) => told.push([leaseId, status]),
    settled: ({ leaseId }) => settled.push(leaseId),
    providerOf: async (name) => {
      if (name !== 'test-db') throw away();
      return provider;
    },
    judgeKept: options.judgeKept ?? (() => 'end'),
    within: (run) => run(stop.signal),
    clock: time,
    timers: time,
    random: { uniform: () => 0.5 },
  });
  const lease = (id: string, untilMs = time.nowMs() + HOUR): Lease => ({
    id,
    key: keyOf('key-1'),
    material: { username: 'u', password: 'canary' },
    binding: 'none',
    handles: {},
    upstream: {
      provider,
      handle: `handle of ${id}`,
      renewableUntilMs: undefined,
      untilMs,
      keptUntilMs: untilMs,
      intent: 'r',
    },
    issuedAtMs: time.nowMs(),
    expiresAtMs: untilMs,
    rotateAtMs: untilMs,
    holders: new Map(),
    revoked: true,
    stale: false,
  });
  const kept = (leaseId: string, provider = 'test-db'): UpstreamLease => ({
    leaseId,
    identity: 'spiffe://acme.example/close-batch',
    intent: 'r',
    provider,
    handle: `handle of ${leaseId}`,
    untilMs: time.nowMs() + HOUR,
  });
  /** Moves time second by second, so that what is begun in one is over in the next. */
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 1000) {
      time.advance(Math.min(left, 1000));
      await turn();
    }
  };
  return { time, provider, told, settled, ending, lease, kept, pass, stop };
}

describe('what is to be ended upstream', () => {
  test('is, once, and told and forgotten', async () => {
    const { ending, lease, provider, told, settled } = endings();
    ending.end(lease('ls_1'));
    await turn();
    expect([provider.ended, told, settled, ending.pending]).toEqual([
      ['handle of ls_1'],
      [['ls_1', 'revoked']],
      ['ls_1'],
      0,
    ]);
  });

  test('is tried again, with longer and longer waits, until the upstream has done it', async () => {
    const { ending, lease, provider, told, settled, pass, time } = endings();
    const tries: number[] = [];
    const began = time.nowMs();
    provider.ending = async () => {
      tries.push(Math.round((time.nowMs() - began) / 1000));
      if (tries.length < 6) throw away();
      return 'revoked';
    };
    ending.end(lease('ls_1'));
    await turn();
    expect(settled).toEqual([]);
    await pass(60_000);
    expect(tries).toEqual([0, 1, 2, 4, 8, 16]);
    expect(told).toEqual([
      ['ls_1', 'unreachable'],
      ['ls_1', 'revoked'],
    ]);
    expect([settled, time.waiting]).toEqual([['ls_1'], 0]);
  });

  test('waits for as long as the upstream asks', async () => {
    const { ending, lease, provider, pass } = endings();
    let tries = 0;
    provider.ending = async () => {
      tries++;
      throw away(30_000);
    };
    ending.end(lease('ls_1'));
    await pass(29_000);
    expect(tries).toBe(1);
    await pass(3000);
    expect(tries).toBe(2);
  });

  test('is given up when the upstream has ended it by itself, and told as expired', async () => {
    const { ending, lease, provider, told, settled, pass, time } = endings();
    provider.ending = () => Promise.reject(away());
    ending.end(lease('ls_1', time.nowMs() + 20_000));
    await pass(60_000);
    expect([settled, ending.pending, time.waiting]).toEqual([['ls_1'], 0, 0]);
    expect(told).toEqual([
      ['ls_1', 'unreachable'],
      ['ls_1', 'expired'],
    ]);
  });

  test('that is not there any more has ended, however the provider says it', async () => {
    const { ending, lease, provider, told } = endings();
    provider.ending = async () => 'not_found';
    ending.end(lease('ls_1'));
    await turn();
    provider.ending = () => Promise.reject(new TallystickError('upstream_not_found', 'no such lease'));
    ending.end(lease('ls_2'));
    await turn();
    expect(told).toEqual([
      ['ls_1', 'not_found'],
      ['ls_2', 'not_found'],
    ]);
  });

  test('is at most eight at a time, and one that fails does not hold up the others', async () => {
    const { ending, lease, provider, pass, settled } = endings();
    let [running, most] = [0, 0];
    provider.ending = async (handle) => {
      most = Math.max(most, ++running);
      await turn();
      running--;
      if (handle.endsWith('_0')) throw new TallystickError('upstream_denied', 'no');
      return 'revoked';
    };
    for (let i = 0; i < 100; i++) ending.end(lease(`ls_${i}`));
    for (let i = 0; i < 60; i++) await turn();
    expect([most, settled.length]).toEqual([8, 99]);
    provider.ending = async () => 'revoked';
    await pass(5000);
    expect(settled).toContain('ls_0');
  });

  test('is bounded: more than a hundred thousand are left to the next run', () => {
    const { ending, lease, provider } = endings();
    provider.ending = () => new Promise(() => {});
    for (let i = 0; i < 100_010; i++) ending.end(lease(`ls_${i}`));
    expect(ending.pending).toBe(100_000);
  });

  test('of a token of our own is nothing', () => {
    const { ending, lease } = endings();
    ending.end({ ...lease('ls_1'), upstream: undefined });
    expect(ending.pending).toBe(0);
  });
});

describe('what is known by its handle alone', () => {
  test('is ended by whoever has the name of its provider now', async () => {
    const { ending, kept, provider, told } = endings();
    ending.endKept(kept('ls_1'));
    await turn();
    expect([provider.ended, told]).toEqual([['handle of ls_1'], [['ls_1', 'revoked']]]);
  });

  test('of a provider that is gone stays on disk until its time is over', async () => {
    const { ending, kept, settled, pass } = endings();
    ending.endKept(kept('ls_1', 'gone'));
    await pass(60_000);
    expect([settled, ending.pending]).toEqual([[], 1]);
  });

  test('is not touched while it may not be, and dropped when it is in use again', async () => {
    let verdict: 'end' | 'wait' | 'drop' = 'wait';
    const { ending, kept, provider, settled, pass } = endings({ judgeKept: () => verdict });
    ending.endKept(kept('ls_1'));
    ending.endKept(kept('ls_2'));
    await pass(60_000);
    expect([provider.ended, ending.pending]).toEqual([[], 2]);
    verdict = 'drop';
    await pass(11_000);
    expect([provider.ended, settled, ending.pending]).toEqual([[], [], 0]);
  });

  test('can be waited for while a try is under way', async () => {
    const { ending, kept, provider } = endings();
    const held = Promise.withResolvers<'revoked'>();
    provider.ending = () => held.promise;
    ending.endKept(kept('ls_1'));
    await turn();
    const order: string[] = [];
    const waited = ending.tried('ls_1').then(() => order.push('tried'));
    await ending.tried('ls_2').then(() => order.push('no try'));
    held.resolve('revoked');
    await waited;
    expect(order).toEqual(['no try', 'tried']);
  });
});

describe('at a stop', () => {
  test('what can be ended now is waited for', async () => {
    const { ending, lease, provider, settled, time } = endings();
    const held: (() => void)[] = [];
    provider.ending = () => new Promise((resolve) => held.push(() => resolve('revoked')));
    for (let i = 0; i < 20; i++) ending.end(lease(`ls_${i}`));
    await turn();
    const closed = ending.close(3000);
    while (held.length > 0) {
      held.shift()!();
      await turn();
    }
    await closed;
    expect([settled.length, time.waiting]).toEqual([20, 0]);
  });

  test('an upstream that hangs holds up nothing for longer than was said, and nothing is begun after', async () => {
    const { ending, lease, provider, time } = endings();
    let begun = 0;
    provider.ending = () => {
      begun++;
      return new Promise(() => {});
    };
    for (let i = 0; i < 20; i++) ending.end(lease(`ls_${i}`));
    await turn();
    const closed = ending.close(3000);
    time.advance(3000);
    await closed;
    expect([begun, time.waiting]).toEqual([8, 0]);
  });

  test('what waits for another try is left to the next run', async () => {
    const { ending, lease, provider, settled, time } = endings();
    provider.ending = () => Promise.reject(away());
    ending.end(lease('ls_1'));
    await turn();
    await ending.close(3000);
    expect([settled, time.waiting]).toEqual([[], 0]);
  });
});
