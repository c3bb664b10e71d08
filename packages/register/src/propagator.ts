import { diag, type TextMapPropagator } from '@opentelemetry/api';
import {
  CompositePropagator,
  getStringListFromEnv,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from '@opentelemetry/core';
import { B3InjectEncoding, B3Propagator } from '@opentelemetry/propagator-b3';
import { egressPropagator } from '@tallystick/telemetry';

/**
 * Returns the propagator that `OTEL_PROPAGATORS` asks for, default `tracecontext,baggage`; null for `none`. The
 * business process leaves only for the hosts that the service's credentials are for.
 */
export function propagatorFromEnv(): TextMapPropagator | null {
  const names = new Set(getStringListFromEnv('OTEL_PROPAGATORS') ?? ['tracecontext', 'baggage']);
  if (names.has('none')) return null;
  const propagators = [...names].flatMap((name): TextMapPropagator[] => {
    switch (name) {
      case 'tracecontext':
        return [new W3CTraceContextPropagator()];
      case 'baggage':
        return [egressPropagator(new W3CBaggagePropagator())];
      case 'b3':
        return [new B3Propagator()];
      case 'b3multi':
        return [new B3Propagator({ injectEncoding: B3InjectEncoding.MULTI_HEADER })];
      default:
        diag.warn(`OTEL_PROPAGATORS names "${name}"; known are tracecontext, baggage, b3, b3multi and none`);
        return [];
    }
  });
  return new CompositePropagator({ propagators });
}
