import { startBundle } from '../../daemon/bundle.ts';
import { probeDisk } from '../environment.ts';
import { figure } from '../figure.ts';
import { startLoad } from '../load/load.ts';
import type { Measurement } from '../measurement.ts';
import { SPIRE_AGENT } from '../spire-agent.ts';
import { median, percentile } from '../statistics.ts';

/** A token that is leased, asked for by one connection: fresh proof, durable record, answer. */
export const sidecarLatency: Measurement = {
  name: 'sidecar-latency',
  async measure(effort) {
    const [rounds, requests] = effort === 'full' ? [20, 1000] : [2, 100];
    await using daemon = await startBundle();
    using load = await startLoad();
    const p50s: number[] = [];
    const p99s: number[] = [];
    const syncs: number[] = [];
    await load.burst({ socket: daemon.socket, connections: 1, requests: requests * 2 });
    for (let round = 0; round < rounds; round++) {
      const { latencies } = await load.burst({ socket: daemon.socket, connections: 1, requests });
      p50s.push(median(latencies));
      p99s.push(percentile(latencies, 0.99));
      // Between the bursts: what the disk takes of it.
      syncs.push(probeDisk(50).p50);
    }
    return [
      figure({
        name: 'sidecar-latency/p50',
        what: '`POST /token`, token leased, fresh proof, durable record, 1 connection, p50',
        unit: 'ms',
        ours: median(p50s),
        peer: SPIRE_AGENT.p50Ms,
        goal: { below: SPIRE_AGENT.p50Ms.value },
      }),
      figure({ name: 'sidecar-latency/p99', what: 'the same, p99', unit: 'ms', ours: median(p99s) }),
      figure({
        name: 'sidecar-latency/disk',
        what: 'of it the disk: an append of 900 bytes and `fdatasync`, p50, between the bursts',
        unit: 'ms',
        ours: median(syncs),
      }),
    ];
  },
};
