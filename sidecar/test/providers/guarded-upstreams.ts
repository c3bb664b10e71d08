import { guard } from '../../src/providers/guard/guard.ts';
import { meteredCalls } from '../../src/observe/metered-calls.ts';
import { createMetrics, type Metrics } from '../../src/observe/metrics.ts';
import { noTelemetry } from '../../src/observe/no-telemetry.ts';
import { createUpstreams, type UpstreamsConfig } from '../../src/providers/upstreams.ts';
import type { ServeOptions } from '../api/served-sidecar.ts';
import { memoryLog } from '../memory-log.ts';

/** Has the upstream in memory asked as any other is: opened late, behind the guard. */
export function guarded(
  config: UpstreamsConfig,
  metrics: Metrics = createMetrics(),
): NonNullable<ServeOptions['upstreams']> {
  return (upstream, time) =>
    createUpstreams({
      config,
      open: async () => upstream,
      guard: (name, provider, fleetSize) =>
        guard(provider, {
          name,
          clock: time,
          timers: time,
          random: { uniform: () => 0.5 },
          fleetSize,
          observe: meteredCalls(noTelemetry.providerCall, metrics),
          log: memoryLog(),
        }),
    });
}
