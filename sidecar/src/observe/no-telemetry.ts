import type { RequestSpan } from './request-span.ts';
import type { SidecarTelemetry } from './sidecar-telemetry.ts';

const nothing = (): void => {};
const noSpan: RequestSpan = { identify: nothing, decided: nothing, end: nothing };

/** Telemetry where none is exported: nothing is loaded, made or kept. */
export const noTelemetry: SidecarTelemetry = {
  request: () => noSpan,
  attested: nothing,
  unmatched: nothing,
  minted: nothing,
  providerCall: (_call, run) => run(),
  rotated: nothing,
  rotationFailed: nothing,
  recorded: nothing,
  notRecorded: nothing,
  recordEnded: nothing,
  checkpointPublished: nothing,
  observe: nothing,
};
