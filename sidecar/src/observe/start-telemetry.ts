import { hostname } from 'node:os';
import type { Clock, Random, Timers } from '@tallystick/core';
import type { TelemetryEnvironment } from '../config/telemetry-environment.ts';
import { VERSION } from '../version.ts';
import type { Log } from './log.ts';
import { noTelemetry } from './no-telemetry.ts';
import type { SidecarTelemetry } from './sidecar-telemetry.ts';

/** Telemetry that runs. */
export interface StartedTelemetry {
  readonly telemetry: SidecarTelemetry;
  /** Sends what is queued, for at most `deadlineMs`. Never rejects. */
  stop(deadlineMs: number): Promise<void>;
}

/** What telemetry is started with. */
export interface TelemetryOptions {
  readonly environment: TelemetryEnvironment;
  readonly sidecarId: string;
  readonly trustDomain: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
}

/** Starts what the environment asks for. Where nothing is exported, nothing of OpenTelemetry is loaded. */
export async function startTelemetry(options: TelemetryOptions): Promise<StartedTelemetry> {
  const { environment, clock, log } = options;
  for (const warning of environment.warnings) log.warn(warning);
  if (!environment.traces && !environment.metrics && !environment.logs) {
    return { telemetry: noTelemetry, stop: async () => {} };
  }
  const [{ startOtelSdk }, { createOtelTelemetry }] = await Promise.all([
    import('./otel-sdk.ts'),
    import('./otel-telemetry.ts'),
  ]);
  const { stop } = startOtelSdk({
    ...options,
    resource: {
      'service.name': 'tallystick',
      'service.version': VERSION,
      'service.instance.id': options.sidecarId,
      'host.name': hostname(),
      'tallystick.identity.trust_domain': options.trustDomain,
    },
  });
  return { telemetry: createOtelTelemetry(VERSION, clock), stop };
}
