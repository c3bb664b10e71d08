import { describe, expect, test } from 'vitest';
import type { Lease } from '../../src/lease/lease.ts';
import { createLeaseTable } from '../../src/lease/lease-table.ts';
import { peer } from '../acme.ts';
import { manualTime, START_MS } from '../manual-time.ts';
import { keyOf } from './leases.ts';

let made = 0;
const lease = (lifetimeMs: number, jkt = 'key-1', identity = 'spiffe://acme.example/a'): Lease => ({
  id: `ls_${made++}`,
  key: keyOf(jkt, { identity }),
  material: { token: 'token', audience: '', scope: '' },
  binding: 'dpop',
  handles: {},
  upstream: undefined,
  issuedAtMs: START_MS,
  expiresAtMs: START_MS + lifetimeMs,
  rotateAtMs: START_MS + lifetimeMs / 2,
  holders: new Map([[jkt, peer()]]),
  revoked: false,
  stale: false,
});
const table = () => {
  const time = manualTime();
  return { time, table: createLeaseTable({ clock: time, timers: time }) };
};

describe('the lease table', () => {
  test('forgets a lease within a minute of its expiry, and not before it', () => {
    const { time, table: leases } = table();
    const added = Array.from({ length: 60 }, (_, i) => lease((60 + i) * 1000));
    for (const each of added) leases.add(each.id, each);
    for (let second = 0; second < 240; second++) {
      time.advance(1000);
      const known = new Set(leases.all());
      for (const each of added) {
        if (each.expiresAtMs > time.nowMs()) expect(known.has(each)).toBe(true);
        else if (each.expiresAtMs <= time.nowMs() - 60_000) expect(known.has(each)).toBe(false);
      }
    }
    expect(leases.size).toBe(0);
  });

  test('has no timer while it is empty, and none after it is closed', () => {
    const { time, table: leases } = table();
    expect(time.waiting).toBe(0);
    leases.add('k', lease(60_000));
    expect(time.waiting).toBe(1);
    time.advance(180_000);
    expect(time.waiting).toBe(0);
    leases.add('k', lease(900_000));
    leases.close();
    leases.add('k2', lease(900_000));
    expect(time.waiting).toBe(0);
  });

  test('knows a replaced lease by its id and its holder, and not by its key', () => {
    const { table: leases } = table();
    const [first, second] = [lease(900_000), lease(900_000)];
    leases.add('k', first);
    leases.add('k', second);
    expect(leases.byKey('k')).toBe(second);
    expect(leases.get(first.id)).toBe(first);
    expect(leases.ofHolder(first.key.identity, 'key-1')).toEqual([first, second]);
    leases.remove(first);
    expect(leases.byKey('k')).toBe(second);
    expect(leases.get(first.id)).toBeUndefined();
    leases.remove(second);
    expect([leases.size, leases.byKey('k'), leases.ofHolder(first.key.identity, 'key-1')]).toEqual([0, undefined, []]);
  });

  test('tells the holders of one identity and of one key apart', () => {
    const { table: leases } = table();
    const [one, two, three] = [
      lease(9e5, 'a', 'spiffe://x/1'),
      lease(9e5, 'b', 'spiffe://x/1'),
      lease(9e5, 'a', 'spiffe://x/2'),
    ];
    leases.add('1', one);
    leases.add('2', two);
    leases.add('3', three);
    expect(leases.ofHolder('spiffe://x/1', 'a')).toEqual([one]);
    expect([leases.countOf('spiffe://x/1'), leases.countOf('spiffe://x/2'), leases.countOf('spiffe://x/3')]).toEqual([
      2, 1, 0,
    ]);
  });

  test('keeps nothing of a lease that was removed', () => {
    const { time, table: leases } = table();
    for (let i = 0; i < 1000; i++) {
      const one = lease(86_400_000);
      leases.add('k', one);
      leases.remove(one);
      leases.remove(one);
    }
    expect([leases.size, leases.countOf('spiffe://acme.example/a')]).toEqual([0, 0]);
    time.advance(60_000);
    // Nothing to sweep: the days of life that the leases had left do not hold them.
    expect(time.waiting).toBe(0);
  });

  test('forgets nothing that lives when the wall clock goes back', () => {
    const { time, table: leases } = table();
    leases.add('k', lease(60_000));
    time.jump(-600_000);
    time.advance(120_000);
    expect(leases.size).toBe(1);
    time.jump(600_000);
    time.advance(60_000);
    expect(leases.size).toBe(0);
  });
});
