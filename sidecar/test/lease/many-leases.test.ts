import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemRandom } from '@tallystick/core';
import { expect, test } from 'vitest';
import { createIssueCap } from '../../src/lease/issue-cap.ts';
import { createLeaseManager, type Maker } from '../../src/lease/lease-manager.ts';
import { createLeaseTable } from '../../src/lease/lease-table.ts';
import { SWEEP_MS, startLiveness } from '../../src/lease/liveness.ts';
import { peer } from '../acme.ts';
import { manualTime } from '../manual-time.ts';
import { testProvider, upstreamCredential } from '../providers/test-provider.ts';

const LEASES = 100_000;
/** What a lease may take, its login and the names under which it is found included. */
const MOST_BYTES = 2500;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const heap = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};

test('a hundred thousand leases of an upstream share two timers, and take 2.5 kB each at the most', async () => {
  const time = manualTime();
  const table = createLeaseTable({ clock: time, timers: time });
  const cap = createIssueCap({ clock: time, perMinute: LEASES });
  const manager = createLeaseManager({
    table,
    cap,
    clock: time,
    timers: time,
    random: systemRandom,
    abandoned: () => {},
  });
  let swept = 0;
  const liveness = startLiveness({
    table,
    leases: manager,
    hub: { isLive: () => false },
    timers: time,
    ended: () => {},
    swept: () => swept++,
  });
  const credential = upstreamCredential('ledger-db', { lifetimeMs: 3_600_000, attribution: 'run' });
  const provider = testProvider(time);
  const peers = Array.from({ length: 100 }, () => peer());
  const makerOf = (i: number): Maker => ({
    async mint({ leaseId, expiresAt }) {
      const untilMs = expiresAt * 1000;
      return {
        material: { username: `${leaseId}-ledger-writer`, password: `A1a-${leaseId}-${i}` },
        binding: 'none',
        handles: { databaseUser: `${leaseId}-ledger-writer` },
        upstream: {
          provider,
          handle: `database/creds/ledger-writer/${leaseId}`,
          renewableUntilMs: untilMs,
          untilMs,
          keptUntilMs: untilMs,
          intent: `01KAMZ3CT0000000000000${i}`,
        },
      };
    },
    renew: async () => 0,
  });

  const before = heap();
  for (let i = 0; i < LEASES; i++) {
    const jkt = `holder-key-of-the-service-that-runs-as-${i}`;
    await manager.obtain(
      {
        key: {
          identity: 'spiffe://acme.example/close-batch',
          credential,
          scope: [],
          jkt: undefined,
          process: 'BP-1042',
          run: `run-${i}`,
          subject: undefined,
        },
        jkt,
        peer: peers[i % peers.length]!,
        notAfterMs: Number.MAX_SAFE_INTEGER,
      },
      makerOf(i),
    );
  }
  expect((heap() - before) / LEASES).toBeLessThan(MOST_BYTES);
  expect([table.size, time.waiting]).toEqual([LEASES, 2]);
  time.advance(SWEEP_MS + 100);
  expect([table.size, swept]).toEqual([LEASES, 1]);
  liveness.stop();
  table.close();
});
