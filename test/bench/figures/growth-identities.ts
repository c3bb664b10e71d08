import type { Daemon } from '../../daemon/daemon.ts';
import { startBundle } from '../../daemon/bundle.ts';
import { figure } from '../figure.ts';
import { interleave } from '../interleave.ts';
import { startLoad } from '../load/load.ts';
import type { Measurement } from '../measurement.ts';
import { memoryOf } from '../memory.ts';
import { registryOf } from '../registry.ts';
import { median, medianRatio } from '../statistics.ts';

/** What 100 and 1,000 registered identities cost a request, against one. */
export const growthIdentities: Measurement = {
  name: 'growth-identities',
  async measure(effort) {
    const [rounds, requests] = effort === 'full' ? [20, 1000] : [2, 100];
    await using one = await startWith(1);
    await using hundred = await startWith(100);
    await using thousand = await startWith(1000);
    using load = await startLoad();
    const p50 = async ({ socket }: Daemon): Promise<number> =>
      median((await load.burst({ socket, connections: 1, requests })).latencies);
    const times = await interleave(
      { one: () => p50(one), hundred: () => p50(hundred), thousand: () => p50(thousand) },
      { rounds, warmUp: 2 },
    );
    const grown = (name: 'hundred' | 'thousand', count: string) =>
      figure({
        name: `growth-identities/${count}`,
        what: `p50 of 1 connection, ${count} identities`,
        unit: 'ms',
        ours: median(times[name]),
        peer: { of: '1 identity', value: median(times.one) },
        ratio: medianRatio(times[name], times.one),
        goal: { ratioAtMost: 1.5 },
      });
    return [
      grown('hundred', '100'),
      grown('thousand', '1000'),
      figure({
        name: 'growth-identities/memory',
        what: 'RSS, 1,000 identities',
        unit: 'MB',
        ours: memoryOf(thousand.pid).rssMb,
        peer: { of: '1 identity', value: memoryOf(one.pid).rssMb },
      }),
    ];
  },
};

function startWith(count: number): Promise<Daemon> {
  const others = Array.from({ length: count - 1 }, (_, i) => ({
    id: `spiffe://acme.example/payments/service-${i}`,
    match: [`unix:uid:${100_000 + i}`, 'tallystick:socket:app'],
  }));
  return startBundle({ registry: registryOf([{ id: 'spiffe://acme.example/payments/close-batch' }, ...others]) });
}
