import type { Attributes } from '@opentelemetry/api';
import type { AttributeTypes, EVENT_ATTRIBUTES, METRIC_ATTRIBUTES, METRICS } from './names.ts';

/** A name of the names registry. */
export type AttributeKey = keyof AttributeTypes;

/** Attributes of a span: names of the registry alone. Undefined ones are left out. */
export type SpanAttributes = { readonly [K in AttributeKey]?: AttributeTypes[K] | undefined };

type Only<Keys extends AttributeKey> = { readonly [K in Keys]?: AttributeTypes[K] | undefined } & {
  readonly [K in Exclude<AttributeKey, Keys>]?: never;
};

/** The name of a metric. */
export type MetricName = keyof typeof METRIC_ATTRIBUTES;

/** The name of a metric that is measured by `Instrument`. */
export type MetricOf<Instrument extends (typeof METRICS)[MetricName]['instrument']> = {
  [M in MetricName]: (typeof METRICS)[M]['instrument'] extends Instrument ? M : never;
}[MetricName];

/** What metric `M` may carry. Anything else, above all an identity, a lease or a log, does not compile. */
export type MetricAttributes<M extends MetricName> = Only<(typeof METRIC_ATTRIBUTES)[M][number]>;

/** The name of an event. */
export type EventName = keyof typeof EVENT_ATTRIBUTES;

/** What event `E` may carry. */
export type EventAttributes<E extends EventName> = Only<(typeof EVENT_ATTRIBUTES)[E][number]>;

/** Returns what is defined of `attributes`, among `keys`. */
export function pick(attributes: SpanAttributes, keys: readonly AttributeKey[]): Attributes {
  const picked: Attributes = {};
  for (const key of keys) {
    const value = attributes[key];
    if (value !== undefined) picked[key] = value;
  }
  return picked;
}
