import { describe, expect, test } from 'vitest';
import { startLiveness, SWEEP_MS } from '../../src/lease/liveness.ts';
import type { Lease } from '../../src/lease/lease.ts';
import type { Peer } from '../../src/listen/peer.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { peer } from '../acme.ts';
import { testProvider } from '../providers/test-provider.ts';
import { leases } from './leases.ts';

/** A process that a test can end. */
function processOf(): { peer: Peer; end: () => void; asked: () => number } {
  let [alive, asked] = [true, 0];
  return {
    peer: peer({
      isAlive() {
        asked++;
        return alive;
      },
    }),
    end: () => (alive = false),
    asked: () => asked,
  };
}

function watched() {
  const own = leases();
  const { time, table, manager, abandoned } = own;
  const ended: string[] = [];
  const streams = new Set<string>();
  let sweeps = 0;
  const liveness = startLiveness({
    table,
    leases: manager,
    hub: { isLive: (_identity, jkt) => streams.has(jkt) },
    timers: time,
    ended: (some) => ended.push(...some.map(({ id }) => id)),
    swept: () => sweeps++,
  });
  const provider = testProvider(time);
  let made = 0;
  const add = (
    holders: Readonly<Record<string, Peer>>,
    maker: Provider = provider,
    handle: string | undefined = 'h',
  ): Lease => {
    const lease: Lease = {
      id: `ls_${made++}`,
      key: { ...BATCH, jkt: undefined },
      material: { username: 'u', password: 'p' },
      binding: 'none',
      handles: {},
      upstream: { provider: maker, handle, renewableUntilMs: undefined, untilMs: 0, keptUntilMs: 0, intent: 'r' },
      issuedAtMs: time.nowMs(),
      expiresAtMs: time.nowMs() + 3_600_000,
      rotateAtMs: time.nowMs() + 1_800_000,
      holders: new Map(Object.entries(holders)),
      revoked: false,
      stale: false,
    };
    table.add(lease.id, lease);
    return lease;
  };
  return { ...own, liveness, abandoned, ended, streams, add, provider, sweeps: () => sweeps };
}

const BATCH = {
  identity: 'spiffe://acme.example/close-batch',
  credential: {} as Lease['key']['credential'],
  scope: [],
  process: undefined,
  run: undefined,
  subject: undefined,
};

describe('the lease of an upstream', () => {
  test('outlives seven of eight holders that leave, and ends with the last', () => {
    const { add, time, ended, abandoned, table } = watched();
    const processes = Array.from({ length: 8 }, processOf);
    const lease = add(Object.fromEntries(processes.map(({ peer: each }, i) => [`key-${i}`, each])));
    for (const [i, { end }] of processes.entries()) {
      expect([ended, lease.revoked]).toEqual([[], false]);
      end();
      time.advance(SWEEP_MS);
      expect(lease.holders.size).toBe(7 - i);
    }
    expect([ended, abandoned, lease.revoked, table.size]).toEqual([[lease.id], [lease], true, 0]);
  });

  test('outlives a process whose event stream is open still', () => {
    const { add, time, ended, streams } = watched();
    const { peer: gone, end } = processOf();
    const lease = add({ 'key-1': gone });
    streams.add('key-1');
    end();
    time.advance(SWEEP_MS);
    expect(ended).toEqual([]);
    streams.clear();
    time.advance(SWEEP_MS);
    expect(ended).toEqual([lease.id]);
  });

  test('of a process that nobody can watch ends by its own time', () => {
    const { add, time, ended } = watched();
    add({ 'key-1': peer({ pid: 0, isAlive: () => true }) });
    time.advance(10 * SWEEP_MS);
    expect(ended).toEqual([]);
  });

  test('that nobody can end stays for the next who asks, without those that have gone', () => {
    const { add, time, ended, provider, table } = watched();
    const { end: _, ...unable } = provider;
    const { peer: gone, end } = processOf();
    const [one, other] = [add({ 'key-1': gone }, unable), add({ 'key-1': gone }, provider, undefined)];
    // As given, without a handle.
    (other.upstream as { handle: string | undefined }).handle = undefined;
    end();
    time.advance(SWEEP_MS);
    expect([ended, table.size, one.holders.size, other.holders.size]).toEqual([[], 2, 0, 0]);
  });
});

test('a token of our own is left to its time', async () => {
  const { get, time, ended, table } = watched();
  const { lease } = await get('key-1');
  lease.holders.set('key-1', peer({ isAlive: () => false }));
  time.advance(SWEEP_MS);
  expect([ended, table.size]).toEqual([[], 1]);
});

test('a sweep of many leases asks about each process once, lets others run between, and is followed by the next', () => {
  const { add, time, ended, sweeps } = watched();
  const { peer: shared, end, asked } = processOf();
  for (let i = 0; i < 10_000; i++) add({ 'key-1': shared });
  time.advance(SWEEP_MS);
  expect(sweeps()).toBe(0);
  time.advance(10);
  expect([sweeps(), asked()]).toEqual([1, 1]);
  end();
  time.advance(SWEEP_MS + 10);
  expect([sweeps(), ended.length]).toEqual([2, 10_000]);
});

test('it ends with the sidecar', () => {
  const { liveness, time, sweeps, table } = watched();
  table.close();
  liveness.stop();
  time.advance(10 * SWEEP_MS);
  expect([sweeps(), time.waiting]).toEqual([0, 0]);
});
