import { TallystickError } from '@tallystick/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Obtained } from '../../src/lease/lease-manager.ts';
import type { Lease } from '../../src/lease/lease.ts';
import { leases } from './leases.ts';

const KEYS = ['key-1', 'key-2'] as const;
const IDENTITIES = ['spiffe://acme.example/a', 'spiffe://acme.example/b'] as const;

/** What can happen to a lease manager. `which` picks among the mints, leases or keys there are. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('ask' as const), key: fc.nat(3) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom('succeed' as const, 'fail' as const), which: fc.nat(9) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      ms: fc.constantFrom(1, 400, 30_000, 440_000, 899_500, 900_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('jump' as const), ms: fc.constantFrom(-600_000, -9_000, 9_000, 600_000) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('revoke' as const, 'stale' as const), which: fc.nat(9) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('revokeKey' as const, 'revokeIdentity' as const), which: fc.nat(1) }),
  },
);

test("whatever happens in whatever order, nothing is served that was taken back, has expired, or is another's", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), async (steps) => {
      const { time, table, manager, mints, ask } = leases({ perMinute: 1_000_000 });
      /** Steps at which the rights of a key were taken back, and at which each lease's mint began. */
      const takenAt = new Map<string, number>();
      const begunAt = new Map<string, number>();
      const ended = new Set<number>();
      const revoked = new Set<Lease>();
      const served: Lease[] = [];
      const waiting: Promise<void>[] = [];
      const name = (identity: string, jkt: string): string => `${identity} ${jkt}`;

      const serve = (obtained: Obtained | undefined, identity: string, jkt: string): void => {
        if (!obtained) return;
        const { lease, source, replaced } = obtained;
        served.push(lease);
        expect(name(lease.key.identity, lease.key.jkt!)).toBe(name(identity, jkt));
        // One who waited may learn of the lease a moment after it was taken back; the release looks once more.
        if (!revoked.has(lease)) {
          expect(lease.revoked).toBe(false);
          expect(begunAt.get(lease.id)!).toBeGreaterThan(takenAt.get(name(identity, jkt)) ?? -1);
        }
        if (source === 'cache') expect(replaced).toBeUndefined();
        if (replaced) expect(revoked.has(replaced)).toBe(false);
      };

      for (const [at, action] of steps.entries()) {
        switch (action.kind) {
          case 'ask': {
            const identity = IDENTITIES[action.key & 1]!;
            const jkt = KEYS[action.key >> 1]!;
            const before = mints.length;
            const asked = ask(jkt, { identity });
            expect(mints.length - before).toBeLessThanOrEqual(1);
            if (mints.length > before) begunAt.set(mints[before]!.leaseId, at);
            const instant = time.nowMs();
            waiting.push(
              asked.then(
                (obtained) => {
                  if (obtained?.source === 'cache' && time.nowMs() === instant) {
                    expect(obtained.lease.expiresAtMs).toBeGreaterThan(instant);
                  }
                  serve(obtained, identity, jkt);
                },
                (error: unknown) => expect(error).toMatchObject({ code: 'signer_unavailable' }),
              ),
            );
            break;
          }
          case 'succeed':
          case 'fail': {
            const open = mints.map((_, i) => i).filter((i) => !ended.has(i));
            const chosen = open[action.which % Math.max(1, open.length)];
            if (chosen === undefined) break;
            ended.add(chosen);
            if (action.kind === 'succeed') mints[chosen]!.succeed();
            else mints[chosen]!.fail(new TallystickError('signer_unavailable', 'away'));
            break;
          }
          case 'advance':
            time.advance(action.ms);
            break;
          case 'jump':
            time.jump(action.ms);
            break;
          case 'revoke':
          case 'stale': {
            const all = [...table.all()];
            const lease = all[action.which % Math.max(1, all.length)];
            if (!lease) break;
            if (action.kind === 'stale') {
              lease.stale = true;
              break;
            }
            manager.revoke([lease]);
            revoked.add(lease);
            takenAt.set(name(lease.key.identity, lease.key.jkt!), at);
            break;
          }
          case 'revokeKey':
          case 'revokeIdentity': {
            const jkt = KEYS[action.which]!;
            const identity = IDENTITIES[action.which]!;
            const ends = manager.revokeWhere(({ key }) =>
              action.kind === 'revokeKey' ? key.jkt === jkt : key.identity === identity,
            );
            for (const lease of ends) revoked.add(lease);
            for (const each of IDENTITIES) {
              for (const key of KEYS) {
                if (action.kind === 'revokeKey' ? key === jkt : each === identity) takenAt.set(name(each, key), at);
              }
            }
            break;
          }
        }
        // Lets what was answered be served before the next thing happens.
        for (let turn = 0; turn < 6; turn++) await Promise.resolve();
        for (const lease of table.all()) expect(revoked.has(lease)).toBe(false);
        expect(new Set([...table.all()].map(({ id }) => id)).size).toBe(table.size);
      }

      for (const mint of mints) mint.succeed();
      await Promise.all(waiting);
      // What is in the table can all be found, and is all forgotten after its end.
      for (const lease of table.all()) {
        expect(table.get(lease.id)).toBe(lease);
        expect(table.ofHolder(lease.key.identity, lease.key.jkt!)).toContain(lease);
      }
      time.jump(1_200_000);
      time.advance(1_800_000);
      expect([table.size, ...IDENTITIES.map((identity) => table.countOf(identity)), time.waiting]).toEqual([
        0, 0, 0, 0,
      ]);
    }),
    { numRuns: 300 },
  );
});
