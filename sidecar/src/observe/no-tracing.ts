import type { RequestTracing } from './request-span.ts';
import { readTraceparent } from './traceparent.ts';

/** Tracing where no telemetry is configured: claims are still read for the record, and nothing is loaded. */
export const noTracing: RequestTracing = {
  start: (_method, _route, traceparent) => ({
    trace: readTraceparent(traceparent),
    identify: () => {},
    decided: () => {},
    end: () => {},
  }),
};
