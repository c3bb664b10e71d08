import { TallystickError } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import { credential } from '../acme.ts';
import { leases } from './leases.ts';

const MINUTE = 60_000;
const unavailable = (): TallystickError => new TallystickError('signer_unavailable', 'the signer is away');

describe('a lease is reused', () => {
  test('until its rotation, and is replaced then', async () => {
    const { time, get, mints } = leases();
    const first = await get();
    expect(first).toMatchObject({ source: 'minted', replaced: undefined });
    time.advance(first.lease.rotateAtMs - time.nowMs() - 1);
    expect(await get()).toMatchObject({ lease: first.lease, source: 'cache' });
    time.advance(1);
    const second = await get();
    expect(second).toMatchObject({ source: 'minted', replaced: first.lease });
    expect(second.lease.id).not.toBe(first.lease.id);
    expect(mints).toHaveLength(2);
  });

  test('by the same identity, credential, scope, key and run alone', async () => {
    const { get, mints } = leases();
    await get();
    const others = [
      { identity: 'spiffe://acme.example/other' },
      { credential: credential('other-api') },
      { credential: credential('ledger-api', { audience: 'https://moved.acme.example' }) },
      { scope: ['journal.read', 'journal.write'] },
      { scope: [] },
      { run: 'run-1' },
      { run: 'run-2' },
      { run: '' },
    ];
    for (const other of others) expect(await get('key-1', other)).toMatchObject({ source: 'minted' });
    expect(await get('key-2')).toMatchObject({ source: 'minted' });
    expect(mints).toHaveLength(others.length + 2);
    expect(new Set(mints.map(({ leaseId }) => leaseId)).size).toBe(mints.length);
  });

  test('not within its last half second', async () => {
    const { time, get, ask, mints } = leases();
    const { lease } = await get();
    time.advance(lease.rotateAtMs - time.nowMs());
    const failing = ask();
    mints[1]!.fail(unavailable());
    expect(await failing).toMatchObject({ lease, source: 'cache' });
    time.advance(lease.expiresAtMs - time.nowMs() - 500);
    const late = ask();
    mints[2]!.fail(unavailable());
    await expect(late).rejects.toMatchObject({ code: 'signer_unavailable' });
  });

  test('not when a clock that was ahead made it, for APIs would refuse it', async () => {
    const { time, get } = leases();
    time.jump(10 * MINUTE);
    await get();
    time.jump(-10 * MINUTE);
    expect(await get()).toMatchObject({ source: 'minted' });
  });

  test('across a small step back of the clock', async () => {
    const { time, get } = leases();
    await get();
    time.jump(-2000);
    expect(await get()).toMatchObject({ source: 'cache' });
  });
});

describe('a lease lasts', () => {
  test('whole seconds from whole seconds, as its token says', async () => {
    const { time, get, mints } = leases();
    const { lease } = await get();
    const now = Math.floor(time.nowMs() / 1000);
    expect(mints[0]).toMatchObject({ leaseId: lease.id, issuedAt: now, expiresAt: now + 900 });
    expect(lease).toMatchObject({ issuedAtMs: now * 1000, expiresAtMs: (now + 900) * 1000 });
  });

  test('no longer than its identity', async () => {
    const { time, get, ask, mints } = leases();
    const endMs = Math.floor(time.nowMs() / 1000) * 1000 + 5000;
    const { lease } = await get('key-1', {}, endMs);
    expect(lease.expiresAtMs).toBe(endMs);
    time.advance(5000);
    expect(await ask('key-1', {}, endMs)).toBeUndefined();
    expect(mints).toHaveLength(1);
  });

  test('with a rotation at half of its life, give or take a tenth of that', async () => {
    const { get, time } = leases();
    const issuedAtMs = Math.floor(time.nowMs() / 1000) * 1000;
    for (let i = 0; i < 50; i++) {
      const { lease } = await get(`key-${i}`);
      expect(lease.rotateAtMs - issuedAtMs).toBeGreaterThanOrEqual(405_000);
      expect(lease.rotateAtMs - issuedAtMs).toBeLessThanOrEqual(495_000);
    }
  });
});

describe('one mint for many', () => {
  test('a thousand who ask at once share it', async () => {
    const { ask, mints } = leases();
    const asked = Array.from({ length: 1000 }, () => ask());
    expect(mints).toHaveLength(1);
    mints[0]!.succeed();
    const obtained = await Promise.all(asked);
    expect(new Set(obtained.map((each) => each!.lease)).size).toBe(1);
    expect(obtained.filter((each) => each!.source === 'minted')).toHaveLength(1);
    expect(mints).toHaveLength(1);
  });

  test('keys do not share it', async () => {
    const { ask, mints } = leases();
    void ask('key-1');
    void ask('key-2');
    expect(mints).toHaveLength(2);
  });

  test('all learn of its failure, and the next one begins anew', async () => {
    const { ask, get, mints } = leases();
    const asked = Array.from({ length: 10 }, () => ask());
    mints[0]!.fail(unavailable());
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    expect(await get()).toMatchObject({ source: 'minted' });
  });

  test('one that fails before it begins does not stay in the way', async () => {
    const { time, get } = leases({ perMinute: 1 });
    const { lease } = await get();
    time.advance(lease.rotateAtMs - time.nowMs());
    await get('key-2');
    expect(await get()).toMatchObject({ lease, source: 'cache' });
    time.advance(MINUTE);
    expect(await get()).toMatchObject({ source: 'minted', replaced: lease });
  });
});

describe('while the issuer fails', () => {
  test('a lease that is still good is served, and an expired one never', async () => {
    const { time, get, ask, mints } = leases();
    const { lease } = await get();
    time.advance(lease.rotateAtMs - time.nowMs());
    for (let i = 1; i <= 3; i++) {
      const asked = ask();
      mints[i]!.fail(unavailable());
      expect(await asked).toMatchObject({ lease, source: 'cache', replaced: undefined });
    }
    time.advance(lease.expiresAtMs - time.nowMs());
    const asked = ask();
    mints[4]!.fail(unavailable());
    await expect(asked).rejects.toMatchObject({ code: 'signer_unavailable' });
  });

  test('a lease that was asked to rotate is served on', async () => {
    const { get, ask, mints } = leases();
    const { lease } = await get();
    lease.stale = true;
    const asked = ask();
    mints[1]!.fail(unavailable());
    expect(await asked).toMatchObject({ lease, source: 'cache' });
  });

  test('a lease that was revoked is not served', async () => {
    const { get, ask, mints, manager } = leases();
    const { lease } = await get();
    manager.revoke([lease]);
    const asked = ask();
    mints[1]!.fail(unavailable());
    await expect(asked).rejects.toMatchObject({ code: 'signer_unavailable' });
  });
});

describe('while the issuer is slow', () => {
  /** A lease that is due, and a request that waits for its replacement. */
  const due = async () => {
    const own = leases();
    const { lease } = await own.get();
    own.time.advance(lease.rotateAtMs - own.time.nowMs());
    return { ...own, lease, asked: own.ask() };
  };

  test('a lease that is still good is served after a second, to all who ask, and the new one as soon as it is there', async () => {
    const { time, lease, asked, ask, mints } = await due();
    time.advance(999);
    const other = ask();
    time.advance(1);
    expect(await asked).toEqual({ lease, source: 'cache', replaced: undefined });
    time.advance(999);
    expect(await other).toMatchObject({ lease });
    expect(mints).toHaveLength(2);
    mints[1]!.succeed();
    await new Promise(setImmediate);
    const first = await ask();
    expect([first!.source, first!.replaced]).toEqual(['cache', lease]);
    expect(first!.lease).not.toBe(lease);
    expect(await ask()).toMatchObject({ lease: first!.lease, replaced: undefined });
  });

  test('one that fails in the end harms nobody who was served', async () => {
    const { time, lease, asked, ask, mints } = await due();
    time.advance(1000);
    await asked;
    mints[1]!.fail(unavailable());
    await new Promise(setImmediate);
    const again = ask();
    mints[2]!.fail(unavailable());
    expect(await again).toMatchObject({ lease });
  });

  test('a lease that was taken back, or has ended meanwhile, is not served', async () => {
    const { time, lease, asked, manager, mints } = await due();
    manager.revoke([lease]);
    time.advance(1000);
    mints[1]!.succeed();
    expect(await asked).toBeUndefined();

    const other = await due();
    other.time.advance(1);
    other.time.jump(other.lease.expiresAtMs - other.time.nowMs());
    other.time.advance(999);
    other.mints[1]!.fail(unavailable());
    await expect(other.asked).rejects.toMatchObject({ code: 'signer_unavailable' });
  });

  test('no timer is left behind', async () => {
    const { time, asked, mints } = await due();
    const before = time.waiting;
    mints[1]!.succeed();
    await asked;
    expect(time.waiting).toBe(before - 1);
  });
});

describe('taking back', () => {
  test('a revoked lease is never served again', async () => {
    const { get, manager, table } = leases();
    const { lease } = await get();
    manager.revoke([lease]);
    expect(lease.revoked).toBe(true);
    expect(table.get(lease.id)).toBeUndefined();
    const next = await get();
    expect(next).toMatchObject({ source: 'minted', replaced: undefined });
    expect(next.lease).not.toBe(lease);
  });

  test('what was being minted is thrown away, for all who wait for it', async () => {
    const { ask, mints, manager, table } = leases();
    const asked = [ask(), ask(), ask()];
    manager.revokeWhere(({ key }) => key.jkt === 'key-1');
    mints[0]!.succeed();
    expect(await Promise.all(asked)).toEqual([undefined, undefined, undefined]);
    expect(table.size).toBe(0);
  });

  test('one who asks after it does not share a mint from before it', async () => {
    const { ask, mints, manager, table } = leases();
    const early = ask();
    manager.revokeWhere(() => true);
    const late = ask();
    expect(mints).toHaveLength(2);
    mints[1]!.succeed();
    mints[0]!.succeed();
    expect(await early).toBeUndefined();
    expect((await late)!.lease.id).toBe(mints[1]!.leaseId);
    expect(table.size).toBe(1);
  });

  test('a mint from before it that ends later neither replaces nor forgets the one after it', async () => {
    const { ask, get, mints, manager } = leases();
    const early = ask();
    manager.revokeWhere(() => true);
    const late = ask();
    mints[0]!.fail(unavailable());
    expect(await early).toBeUndefined();
    const shared = ask();
    mints[1]!.succeed();
    expect((await shared)!.lease).toBe((await late)!.lease);
    expect(await get()).toMatchObject({ source: 'cache' });
    expect(mints).toHaveLength(2);
  });

  test('a lease whose replacement is being minted takes that with it', async () => {
    const { time, get, ask, mints, manager } = leases();
    const { lease } = await get();
    time.advance(lease.rotateAtMs - time.nowMs());
    const asked = ask();
    manager.revoke([lease]);
    mints[1]!.succeed();
    expect(await asked).toBeUndefined();
  });

  test('by a condition takes leases and mints of those keys alone', async () => {
    const { get, ask, mints, manager, table } = leases();
    const kept = await get('key-1');
    const gone = await get('key-2');
    const asked = ask('key-3');
    const ended = manager.revokeWhere(({ key: { jkt } }) => jkt !== 'key-1');
    mints[2]!.succeed();
    expect(ended).toEqual([gone.lease]);
    expect(await asked).toBeUndefined();
    expect([...table.all()]).toEqual([kept.lease]);
  });
});

describe('limits', () => {
  test('a path is issued so many in a minute, and says how long to wait', async () => {
    const { time, get, ask } = leases({ perMinute: 3 });
    time.advance(45_000);
    for (let i = 0; i < 3; i++) await get(`key-${i}`);
    await expect(ask('key-3')).rejects.toMatchObject({ code: 'issue_limit', retryAfterMs: 15_000 });
    expect(await get('key-3', { credential: credential('other-api') })).toMatchObject({ source: 'minted' });
    time.advance(15_000);
    expect(await get('key-3')).toMatchObject({ source: 'minted' });
  });

  test('an identity has so many leases at a time', async () => {
    const { get, ask, manager } = leases({ leasesPerIdentity: 3 });
    const [{ lease }] = [await get('key-0'), await get('key-1'), await get('key-2')];
    await expect(ask('key-3')).rejects.toMatchObject({ code: 'issue_limit' });
    expect(await get('key-0', { identity: 'spiffe://acme.example/other' })).toMatchObject({ source: 'minted' });
    manager.revoke([lease]);
    expect(await get('key-3')).toMatchObject({ source: 'minted' });
  });

  test('what is reused counts for neither', async () => {
    const { get } = leases({ perMinute: 1, leasesPerIdentity: 1 });
    await get();
    for (let i = 0; i < 100; i++) expect(await get()).toMatchObject({ source: 'cache' });
  });
});
