import { startBundle } from '../bundle.ts';
import { figure } from '../figure.ts';
import { startLoad } from '../load/load.ts';
import type { Measurement } from '../measurement.ts';
import { median, percentile } from '../statistics.ts';

const CONNECTIONS = 64;
const SPIRE = 'SPIRE agent `FetchJWTSVID`, not recorded';
const SPIRE_PER_SECOND = 4700;
const SPIRE_P99_MS = 31;

/** The same as `sidecar-latency` from many connections, each asking anew once it is answered. */
export const sidecarThroughput: Measurement = {
  name: 'sidecar-throughput',
  async measure(effort) {
    const [rounds, requests] = effort === 'full' ? [10, 20_000] : [2, 1000];
    await using daemon = await startBundle();
    using load = await startLoad();
    const rates: number[] = [];
    const p50s: number[] = [];
    const p99s: number[] = [];
    await load.burst({ socket: daemon.socket, connections: CONNECTIONS, requests });
    for (let round = 0; round < rounds; round++) {
      const { elapsedMs, latencies } = await load.burst({ socket: daemon.socket, connections: CONNECTIONS, requests });
      rates.push((requests / elapsedMs) * 1000);
      p50s.push(median(latencies));
      p99s.push(percentile(latencies, 0.99));
    }
    return [
      figure({
        name: 'sidecar-throughput/rate',
        what: `the same, ${CONNECTIONS} connections`,
        unit: 'requests/s',
        ours: median(rates),
        peer: { of: SPIRE, value: SPIRE_PER_SECOND, fixed: true },
        goal: { ratioAtLeast: 1.5 },
      }),
      figure({
        name: 'sidecar-throughput/p99',
        what: `the same, ${CONNECTIONS} connections, p99`,
        unit: 'ms',
        ours: median(p99s),
        peer: { of: SPIRE, value: SPIRE_P99_MS, fixed: true },
        goal: { below: SPIRE_P99_MS },
      }),
      figure({
        name: 'sidecar-throughput/p50',
        what: `the same, ${CONNECTIONS} connections, p50`,
        unit: 'ms',
        ours: median(p50s),
      }),
    ];
  },
};
