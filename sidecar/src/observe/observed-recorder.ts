import type { Clock } from '@tallystick/core';
import type { Recorder } from '../record/record.ts';
import type { SidecarTelemetry } from './sidecar-telemetry.ts';

/** Returns `recorder`, with telemetry of what it records. No append waits for that. */
export function observedRecorder(
  recorder: Recorder,
  telemetry: Pick<SidecarTelemetry, 'recorded' | 'notRecorded'>,
  clock: Pick<Clock, 'monotonicMs'>,
): Recorder {
  return {
    get origin() {
      return recorder.origin;
    },
    get pending() {
      return recorder.pending;
    },
    newId: () => recorder.newId(),
    isWritable: () => recorder.isWritable(),
    append(input) {
      const startMs = clock.monotonicMs();
      const seconds = (): number => (clock.monotonicMs() - startMs) / 1000;
      const record = recorder.append(input);
      record.then(
        (ref) => telemetry.recorded(input, ref, seconds()),
        (error: unknown) => telemetry.notRecorded(error, seconds()),
      );
      return record;
    },
    status: () => recorder.status(),
    close: () => recorder.close(),
  };
}
