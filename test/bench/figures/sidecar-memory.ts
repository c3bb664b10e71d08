import { FOR_LITTLE_MEMORY, startBundle } from '../../daemon/bundle.ts';
import { figure } from '../figure.ts';
import { startLoad } from '../load/load.ts';
import type { Effort, Measurement } from '../measurement.ts';
import { memoryOf, watchMemory } from '../memory.ts';
import { startOtlpSink } from '../otlp-sink.ts';
import { SPIRE_AGENT } from '../spire-agent.ts';
import { median } from '../statistics.ts';

const PER_SECOND = 1000;

/** What the sidecar holds in memory after a minute at 1,000 requests a second, each with a fresh proof. */
export const sidecarMemory: Measurement = {
  name: 'sidecar-memory',
  async measure(effort) {
    await using sink = await startOtlpSink();
    const alone = await measureUnderLoad(effort, {});
    const traced = await measureUnderLoad(effort, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url } });
    const small = await measureUnderLoad(effort, FOR_LITTLE_MEMORY);
    if (sink.exports === 0) throw new Error('no telemetry was exported');
    return [
      figure({
        name: 'sidecar-memory/rss',
        what: `RSS in the last seconds of a minute at ${PER_SECOND} requests/s`,
        unit: 'MB',
        ours: alone.rssMb,
        peer: SPIRE_AGENT.rssMb,
        goal: { below: 70 },
      }),
      figure({
        name: 'sidecar-memory/telemetry',
        what: 'the same, with traces, metrics and logs exported over OTLP',
        unit: 'MB',
        ours: traced.rssMb,
        goal: { below: 100 },
      }),
      figure({
        name: 'sidecar-memory/small',
        what: 'RSS under the same load, started as the systemd unit starts it',
        unit: 'MB',
        ours: small.rssMb,
      }),
      figure({ name: 'sidecar-memory/idle', what: 'RSS after its start', unit: 'MB', ours: alone.idleMb }),
      figure({
        name: 'sidecar-memory/own',
        what: 'of the RSS under load, pages that are no file’s',
        unit: 'MB',
        ours: alone.anonymousMb,
      }),
      figure({
        name: 'sidecar-memory/peak',
        what: 'the highest RSS seen in that minute',
        unit: 'MB',
        ours: alone.peakMb,
      }),
    ];
  },
};

async function measureUnderLoad(effort: Effort, options: Parameters<typeof startBundle>[0]) {
  const seconds = effort === 'full' ? 60 : 5;
  await using daemon = await startBundle(options);
  using load = await startLoad();
  const idleMb = memoryOf(daemon.pid).rssMb;
  const watch = watchMemory(daemon.pid);
  const answered = await load.steady({ socket: daemon.socket, perSecond: PER_SECOND, seconds });
  const samples = watch.stop();
  if (answered < 0.95 * PER_SECOND * seconds)
    throw new Error(`it did not keep up: ${answered} answers in ${seconds} s`);
  const last = samples.slice(-Math.ceil(samples.length / 6));
  return {
    idleMb,
    rssMb: median(last.map(({ rssMb }) => rssMb)),
    anonymousMb: median(last.map(({ anonymousMb }) => anonymousMb)),
    peakMb: Math.max(...samples.map(({ rssMb }) => rssMb)),
  };
}
