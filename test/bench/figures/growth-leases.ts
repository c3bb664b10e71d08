import type { Daemon } from '../../daemon/daemon.ts';
import { startBundle } from '../../daemon/bundle.ts';
import { figure } from '../figure.ts';
import { interleave } from '../interleave.ts';
import { startLoad } from '../load/load.ts';
import type { Measurement } from '../measurement.ts';
import { memoryOf } from '../memory.ts';
import { registryOf } from '../registry.ts';
import { median, medianRatio } from '../statistics.ts';

/** Enough that none is issued more than 6,000 leases in a minute: the sidecar refuses that. */
const IDENTITIES = Array.from({ length: 25 }, (_, i) => `spiffe://acme.example/payments/service-${i}`);
const SELF = 'spiffe://acme.example/payments/close-batch';

/** What 1,000 and 100,000 leases, each of a key of its own, cost a request, against one. */
export const growthLeases: Measurement = {
  name: 'growth-leases',
  async measure(effort) {
    const [rounds, requests, most] = effort === 'full' ? [20, 1000, 100_000] : [2, 100, 2000];
    await using empty = await startShared();
    await using some = await startShared();
    await using many = await startShared();
    using load = await startLoad();
    await load.leases({ socket: some.socket, identities: IDENTITIES, count: 1000 });
    const before = memoryOf(many.pid).rssMb;
    await load.leases({ socket: many.socket, identities: IDENTITIES, count: most });
    const perLease = ((memoryOf(many.pid).rssMb - before) * 1e6) / most;
    const p50 = async ({ socket }: Daemon): Promise<number> =>
      median(
        (await load.burst({ socket, connections: 1, requests, wanted: { kind: 'token', identity: SELF } })).latencies,
      );
    const times = await interleave(
      { empty: () => p50(empty), some: () => p50(some), many: () => p50(many) },
      { rounds, warmUp: 2 },
    );
    const grown = (name: 'some' | 'many', count: number) =>
      figure({
        name: `growth-leases/${count}`,
        what: `p50 of 1 connection, ${count.toLocaleString('en')} leases`,
        unit: 'ms',
        ours: median(times[name]),
        peer: { of: '1 lease', value: median(times.empty) },
        ratio: medianRatio(times[name], times.empty),
        goal: { ratioAtMost: 1.5 },
      });
    return [
      grown('some', 1000),
      grown('many', most),
      figure({
        name: 'growth-leases/memory',
        what: `RSS for each of ${most.toLocaleString('en')} leases`,
        unit: 'bytes',
        ours: perLease,
      }),
    ];
  },
};

function startShared(): Promise<Daemon> {
  return startBundle({ registry: registryOf([SELF, ...IDENTITIES].map((id) => ({ id }))) });
}
