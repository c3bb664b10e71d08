import { context, createContextKey } from '@opentelemetry/api';

// The key of @opentelemetry/core, which the libraries cannot depend on: context keys are made by `Symbol.for`.
const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/**
 * Runs `fn` so that no library makes spans inside it: automatic instrumentation writes query strings and error
 * messages of a credential's request into spans. Trace headers are not injected inside either: inject them before.
 *
 * @returns What `fn` returns.
 */
export function suppressTracing<T>(fn: () => T): T {
  return context.with(context.active().setValue(SUPPRESS_TRACING, true), fn);
}
