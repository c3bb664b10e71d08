import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Lease } from '../../src/lease/lease.ts';
import { release, type Ask, type ReleaseParts } from '../../src/release/release.ts';
import { entitled, identity, peer, registryOf } from '../acme.ts';
import { keyOf } from '../lease/leases.ts';
import { manualTime } from '../manual-time.ts';
import { upstreamCredential } from '../providers/test-provider.ts';

const BATCH = identity('close-batch', { entitlements: [entitled('ledger-db')] });
const DB = upstreamCredential('ledger-db');
const LIFE_MS = 60_000;

/** A release whose record and whose answer are held back by the test. */
function releasing() {
  const time = manualTime();
  const [durable, prepared] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()];
  const undelivered: string[] = [];
  const standing = { suspended: false };
  let made = 0;
  const parts = {
    admission: {
      admit: async () => ({
        identity: BATCH,
        attestation: { selectors: [], assurance: 'process', peer: peer() },
        proof: { jkt: 'key' },
      }),
      readmit: async () => BATCH,
    },
    registry: () => registryOf([BATCH], [DB]),
    standing: { isSuspended: () => standing.suspended, isKeyRevoked: () => false },
    leases: {
      async obtain() {
        const lease = { id: `ls_${made++}`, key: keyOf('key'), expiresAtMs: time.nowMs() + LIFE_MS, revoked: false };
        return { lease: lease as Lease, source: 'minted', replaced: undefined };
      },
    },
    records: {
      newId: () => 'record',
      released: () => durable.promise,
      undelivered: (_asked: unknown, lease: Lease, _record: unknown, why: string) =>
        undelivered.push(`${lease.id} ${why}`),
      denied: async (_asked: unknown, decision: { reason: string }) => new Error(decision.reason),
    },
    clock: time,
  } as unknown as ReleaseParts;
  const ask = {
    peer: peer(),
    request: { name: 'ledger-db', type: 'database' },
    prepare: () => prepared.promise,
  } as unknown as Ask<string>;
  const released = release(ask, parts);
  released.catch(() => {});
  return { time, durable, prepared, undelivered, standing, released };
}

describe('a credential does not leave', () => {
  test('when its identity is suspended while the answer, whose record is durable, is being sealed', async () => {
    const { durable, prepared, undelivered, standing, released } = releasing();
    durable.resolve();
    await turn();
    await turn();
    standing.suspended = true;
    prepared.resolve('sealed');
    await expect(released).rejects.toThrow('suspended');
    expect(undelivered).toEqual(['ls_0 withdrawn']);
  });

  test('when it has expired while its record became durable: one that is good does', async () => {
    const { time, durable, prepared, undelivered, released } = releasing();
    prepared.resolve('sealed');
    await turn();
    time.advance(LIFE_MS);
    durable.resolve();
    expect(await released).toMatchObject({ lease: { id: 'ls_1' } });
    expect(undelivered).toEqual(['ls_0 expired']);
  });
});
