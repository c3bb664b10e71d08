import { codeOf } from '../providers/guard/call-outcome.ts';
import type { Metrics } from './metrics.ts';
import type { SidecarTelemetry } from './sidecar-telemetry.ts';

/** Returns what runs calls of providers, with what `GET /metrics` shows of them counted as well. */
export function meteredCalls(
  providerCall: SidecarTelemetry['providerCall'],
  metrics: Metrics,
): SidecarTelemetry['providerCall'] {
  metrics.describe('tallystick_upstream_calls_total', 'counter', 'Calls of upstreams, by operation and outcome.');
  return async (call, run) => {
    const { provider, operation } = call;
    const count = (outcome: string): void =>
      metrics.count('tallystick_upstream_calls_total', { provider, operation, outcome });
    try {
      const value = await providerCall(call, run);
      count('ok');
      return value;
    } catch (error) {
      count(codeOf(error));
      throw error;
    }
  };
}
