import { FOR_LITTLE_MEMORY, startBundle } from '../../daemon/bundle.ts';
import { figure } from '../figure.ts';
import { startLoad } from '../load/load.ts';
import type { Measurement } from '../measurement.ts';
import { SPIRE_AGENT } from '../spire-agent.ts';
import { median, percentile } from '../statistics.ts';

const CONNECTIONS = 64;

/** The same as `sidecar-latency` from many connections, each asking anew once it is answered. */
export const sidecarThroughput: Measurement = {
  name: 'sidecar-throughput',
  async measure(effort) {
    const [rounds, requests] = effort === 'full' ? [10, 20_000] : [2, 1000];
    await using daemon = await startBundle();
    await using small = await startBundle(FOR_LITTLE_MEMORY);
    using load = await startLoad();
    const burst = async (socket: string) => {
      const { elapsedMs, latencies } = await load.burst({ socket, connections: CONNECTIONS, requests });
      return { rate: (requests / elapsedMs) * 1000, p50: median(latencies), p99: percentile(latencies, 0.99) };
    };
    const bursts = [];
    const smallRates: number[] = [];
    for (let round = -1; round < rounds; round++) {
      const [ours, other] = [await burst(daemon.socket), await burst(small.socket)];
      // The first round is for the compiler.
      if (round < 0) continue;
      bursts.push(ours);
      smallRates.push(other.rate);
    }
    return [
      figure({
        name: 'sidecar-throughput/rate',
        what: `the same, ${CONNECTIONS} connections`,
        unit: 'requests/s',
        ours: median(bursts.map(({ rate }) => rate)),
        peer: SPIRE_AGENT.perSecond,
        goal: { ratioAtLeast: 1.5 },
      }),
      figure({
        name: 'sidecar-throughput/p99',
        what: `the same, ${CONNECTIONS} connections, p99`,
        unit: 'ms',
        ours: median(bursts.map(({ p99 }) => p99)),
        peer: SPIRE_AGENT.p99Ms,
        goal: { below: SPIRE_AGENT.p99Ms.value },
      }),
      figure({
        name: 'sidecar-throughput/p50',
        what: `the same, ${CONNECTIONS} connections, p50`,
        unit: 'ms',
        ours: median(bursts.map(({ p50 }) => p50)),
      }),
      figure({
        name: 'sidecar-throughput/small',
        what: `the same, ${CONNECTIONS} connections, started as the systemd unit starts it`,
        unit: 'requests/s',
        ours: median(smallRates),
      }),
    ];
  },
};
