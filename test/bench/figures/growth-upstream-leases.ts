import { findServer } from '../../servers/find.ts';
import type { Daemon } from '../../daemon/daemon.ts';
import { startBundle } from '../../daemon/bundle.ts';
import { COUNTS_TIMERS, countTimers } from '../count-timers.ts';
import { figure } from '../figure.ts';
import { interleave } from '../interleave.ts';
import { kvRegistry, startKvVault } from '../kv-vault.ts';
import { startLoad } from '../load/load.ts';
import type { Measurement } from '../measurement.ts';
import { memoryOf } from '../memory.ts';
import { median, medianRatio } from '../statistics.ts';

/** Enough that none makes more than 1,000 at once on its path to the upstream: the sidecar refuses that. */
const IDENTITIES = Array.from({ length: 110 }, (_, i) => `spiffe://acme.example/payments/service-${i}`);
const SELF = 'spiffe://acme.example/payments/close-batch';
const NAME = 'ledger-kv';

/** What 100,000 leases of an upstream, each for a run of its own, cost a request for one that is held, against one. */
export const growthUpstreamLeases: Measurement = {
  name: 'growth-upstream-leases',
  async measure(effort) {
    if (!findServer('vault')) return [];
    const [rounds, requests, most] = effort === 'full' ? [20, 1000, 100_000] : [2, 100, 1000];
    await using kv = await startKvVault();
    const registry = kvRegistry(kv, [SELF, ...IDENTITIES], 'run');
    await using one = await startBundle({ registry, flags: [COUNTS_TIMERS] });
    await using many = await startBundle({ registry, flags: [COUNTS_TIMERS] });
    using load = await startLoad();
    const wanted = { kind: 'credential', name: NAME, type: 'secret', identity: SELF } as const;
    const p50 = async ({ socket }: Daemon): Promise<number> =>
      median((await load.burst({ socket, connections: 1, requests, wanted })).latencies);
    // What a sidecar that works has anyhow is not the leases'.
    for (const daemon of [one, many]) await p50(daemon);
    const before = memoryOf(many.pid).rssMb;
    await load.runs({ socket: many.socket, name: NAME, identities: IDENTITIES, count: most });
    const perLease = ((memoryOf(many.pid).rssMb - before) * 1e6) / most;
    const times = await interleave({ one: () => p50(one), many: () => p50(many) }, { rounds, warmUp: 2 });
    const counted = most.toLocaleString('en');
    return [
      figure({
        name: 'growth-upstream-leases/p50',
        what: `a secret of Vault that is held, sealed, 1 connection, p50, beside ${counted} other leases of it`,
        unit: 'ms',
        ours: median(times.many),
        peer: { of: '1 lease', value: median(times.one) },
        ratio: medianRatio(times.many, times.one),
        goal: { ratioAtMost: 1.5 },
      }),
      figure({
        name: 'growth-upstream-leases/memory',
        what: `RSS for each of ${counted} leases of Vault`,
        unit: 'bytes',
        ours: perLease,
      }),
      figure({
        name: 'growth-upstream-leases/timers',
        what: `timers of the sidecar, ${counted} leases of Vault`,
        unit: 'timers',
        ours: await countTimers(many),
        peer: { of: '1 lease', value: await countTimers(one) },
        goal: { ratioAtMost: 1.5 },
      }),
    ];
  },
};
