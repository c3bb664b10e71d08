import { TallystickError } from '@tallystick/core';
import type { RecordInput } from '../record/record.ts';
import type { Metrics } from './metrics.ts';
import { releaseOf } from './release-of.ts';
import { rotationReason } from './rotation-reason.ts';
import type { SidecarTelemetry } from './sidecar-telemetry.ts';

/** Returns `telemetry`, with what `GET /metrics` shows of it counted as well. */
export function meteredTelemetry(telemetry: SidecarTelemetry, metrics: Metrics): SidecarTelemetry {
  metrics.describe(
    'tallystick_mint_duration_seconds',
    'histogram',
    'Time to make a credential, by provider and outcome.',
  );
  metrics.describe(
    'tallystick_rotations_total',
    'counter',
    'Leases replaced ahead of their end, by reason and outcome.',
  );
  metrics.describe('tallystick_releases_total', 'counter', 'Credentials handed out, by binding and delivery.');
  metrics.describe('tallystick_records_total', 'counter', 'Records that are durable, by type.');
  metrics.describe(
    'tallystick_operator_unattributed_total',
    'counter',
    'Commands on record that were given by a process which nobody logged in for.',
  );
  metrics.describe(
    'tallystick_record_append_duration_seconds',
    'histogram',
    'Time until a record is durable, by outcome.',
  );
  return {
    ...telemetry,
    minted(credential, seconds, failure) {
      const labels = { provider: credential.provider, outcome: outcomeOf(failure) };
      metrics.observe('tallystick_mint_duration_seconds', seconds, labels);
      telemetry.minted(credential, seconds, failure);
    },
    rotated(replaced) {
      metrics.count('tallystick_rotations_total', { reason: rotationReason(replaced), outcome: 'ok' });
      telemetry.rotated(replaced);
    },
    rotationFailed(held, failure) {
      metrics.count('tallystick_rotations_total', { reason: rotationReason(held), outcome: outcomeOf(failure) });
      telemetry.rotationFailed(held, failure);
    },
    recorded(input, record, seconds) {
      metrics.count('tallystick_records_total', { type: input.type });
      const release = releaseOf(input);
      if (release) metrics.count('tallystick_releases_total', { ...release });
      if (isUnattributed(input)) metrics.count('tallystick_operator_unattributed_total');
      metrics.observe('tallystick_record_append_duration_seconds', seconds, { outcome: 'ok' });
      telemetry.recorded(input, record, seconds);
    },
    notRecorded(failure, seconds) {
      metrics.observe('tallystick_record_append_duration_seconds', seconds, { outcome: outcomeOf(failure) });
      telemetry.notRecorded(failure, seconds);
    },
  };
}

/** True for what an operator did of whom the kernel knows no login. */
function isUnattributed({ body }: RecordInput): boolean {
  return 'operator' in body && body.operator !== null && body.operator.loginUid === null;
}

function outcomeOf(failure: unknown): string {
  if (failure === undefined) return 'ok';
  return TallystickError.is(failure) ? failure.code : 'internal_error';
}
