import { TallystickError } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import type { Minted } from '../../src/lease/lease-manager.ts';
import { SWEEP_MS, startLiveness } from '../../src/lease/liveness.ts';
import { peer } from '../acme.ts';
import { testProvider } from '../providers/test-provider.ts';
import { leases } from './leases.ts';

const HOUR = 3_600_000;
const SHARED = { jkt: undefined };

describe('the holders of a shared lease', () => {
  test('count on what their identity may hold: a workload with a key for each request does not fill the memory', async () => {
    const { get, ask, manager } = leases({ leasesPerIdentity: 3 });
    const { lease } = await get('key-1', SHARED);
    for (const jkt of ['key-2', 'key-3']) expect(await ask(jkt, SHARED)).toMatchObject({ lease });
    await expect(ask('key-4', SHARED)).rejects.toMatchObject({ code: 'issue_limit' });
    expect([...lease.holders.keys()]).toEqual(['key-1', 'key-2', 'key-3']);
    expect(await ask('key-2', SHARED)).toMatchObject({ lease });
    manager.leave(lease, 'key-1');
    expect(await ask('key-4', SHARED)).toMatchObject({ lease });
  });

  test('do not count any more when their lease has ended', async () => {
    const { get, ask, manager, time } = leases({ leasesPerIdentity: 2 });
    const { lease } = await get('key-1', SHARED);
    await ask('key-2', SHARED);
    manager.revoke([lease]);
    await get('key-1', SHARED);
    await ask('key-2', SHARED);
    time.advance(HOUR);
    expect(await get('key-3', SHARED)).toMatchObject({ source: 'minted' });
  });

  test('are asked for signs of life a few at a time, however many one lease has', async () => {
    const { table, time, get, manager } = leases();
    const { lease } = await get('key-1', SHARED);
    const provider = testProvider(time);
    const held = { ...lease, id: 'ls_held', upstream: { provider, handle: 'h' } as never, holders: new Map() };
    let asked = 0;
    for (let i = 0; i < 5000; i++) held.holders.set(`key-${i}`, peer({ isAlive: () => ++asked > 0 }));
    table.add('held', held);
    const watch = { ended: () => {}, swept: () => {}, hub: { isLive: () => false } };
    startLiveness({ table, leases: manager, timers: time, ...watch });
    time.advance(SWEEP_MS);
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThanOrEqual(2000);
    time.advance(10);
    expect(asked).toBe(5000);
  });
});

describe('a lease that its upstream shortens', () => {
  test('is not served past the end that the upstream says', async () => {
    const { time, ask, mints } = leases();
    const provider = testProvider(time);
    provider.renewing = async () => time.nowMs() + 60_000;
    const untilMs = time.nowMs() + HOUR;
    const upstream = { provider, handle: 'h', renewableUntilMs: untilMs + HOUR, untilMs, keptUntilMs: 0, intent: 'r' };
    const asked = ask('key-1', SHARED);
    mints[0]!.succeed({ expiresAtMs: untilMs, upstream } satisfies Partial<Minted>);
    const { lease } = (await asked)!;
    time.advance(lease.rotateAtMs - time.nowMs());
    const failing = ask('key-1', SHARED);
    await new Promise(setImmediate);
    mints[1]!.fail(new TallystickError('upstream_unavailable', 'away'));
    expect(await failing).toMatchObject({ lease });
    expect(lease.expiresAtMs).toBeLessThanOrEqual(time.nowMs() + 60_000);
    time.advance(60_000);
    const late = ask('key-1', SHARED);
    await new Promise(setImmediate);
    mints[2]!.fail(new TallystickError('upstream_unavailable', 'away'));
    await expect(late).rejects.toMatchObject({ code: 'upstream_unavailable' });
  });
});
