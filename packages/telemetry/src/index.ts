export { annotateSpan, type ActiveSpan } from './active-span.ts';
export type {
  AttributeKey,
  EventAttributes,
  EventName,
  MetricAttributes,
  MetricName,
  MetricOf,
  SpanAttributes,
} from './attributes.ts';
export { BAGGAGE_PROCESS, BAGGAGE_RUN, businessProcessFromBaggage } from './baggage.ts';
export {
  currentBusinessProcess,
  withBusinessProcess,
  withSpanProcess,
  type BusinessProcess,
} from './business-process.ts';
export { egressPropagator } from './egress-propagator.ts';
export { errorType } from './error-type.ts';
export { identityAttributes } from './identity-attributes.ts';
export { IdentitySpanProcessor } from './identity-span-processor.ts';
export { currentIdentity, setServiceIdentity, type TelemetryIdentity } from './identity.ts';
export { instrument, type Instrument, type SpanStart } from './instrument.ts';
export type { Counted } from './measures.ts';
export { scrubAttribute, scrubText, type RedactionRule, type Scrubbed } from './scrub.ts';
export { scrubbingSpanProcessor, type ScrubbingSpanProcessor } from './scrubbing-span-processor.ts';
export { withSpanIdentity } from './span-identity.ts';
export { suppressTracing } from './suppress-tracing.ts';
export { currentTraceparent, injectTrace } from './traceparent.ts';
