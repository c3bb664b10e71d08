import { context, isSpanContextValid, propagation, trace } from '@opentelemetry/api';

/** Returns the `traceparent` of the active span, or undefined when there is none, as there is without an SDK. */
export function currentTraceparent(): string | undefined {
  const span = trace.getSpanContext(context.active());
  if (!span || !isSpanContextValid(span)) return undefined;
  return `00-${span.traceId}-${span.spanId}-${(span.traceFlags & 0xff).toString(16).padStart(2, '0')}`;
}

/** Adds the headers of the registered propagator to `headers`, for the active span; none without an SDK. */
export function injectTrace(headers: Record<string, string>): void {
  propagation.inject(context.active(), headers);
}
