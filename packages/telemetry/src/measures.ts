import { metrics, type Attributes, type MeterProvider } from '@opentelemetry/api';
import { pick, type AttributeKey, type MetricAttributes, type MetricName, type SpanAttributes } from './attributes.ts';
import { METRIC_ATTRIBUTES, METRICS, SCHEMA_URL } from './names.ts';
import type { Instrument } from './instrument.ts';

/** How many there are of one kind. */
export interface Counted<M extends MetricName> {
  readonly count: number;
  readonly attributes: MetricAttributes<M>;
}

type Write = (value: number, attributes: Attributes) => void;

/**
 * Returns the metrics part of an {@link Instrument}. Instruments are made at first use, and again when another meter
 * provider is registered: the API keeps those made before a provider as no-ops for ever.
 */
export function createMeasures(name: string, version: string): Pick<Instrument, 'record' | 'add' | 'observe'> {
  let provider: MeterProvider | undefined;
  let made = new Map<MetricName, Write>();
  const meter = () => metrics.getMeterProvider().getMeter(name, version, { schemaUrl: SCHEMA_URL });
  const make = (metric: MetricName): Write => {
    const { instrument, unit, description, buckets } = METRICS[metric];
    if (instrument === 'histogram') {
      const advice = { explicitBucketBoundaries: [...buckets] };
      const histogram = meter().createHistogram(metric, { unit, description, advice });
      return (value, attributes) => histogram.record(value, attributes);
    }
    const counter = meter().createCounter(metric, { unit, description });
    return (value, attributes) => counter.add(value, attributes);
  };
  const write = (metric: MetricName, value: number, attributes: SpanAttributes): void => {
    const registered = metrics.getMeterProvider();
    if (registered !== provider) {
      provider = registered;
      made = new Map();
    }
    let found = made.get(metric);
    if (!found) made.set(metric, (found = make(metric)));
    found(value, allowed(metric, attributes));
  };
  return {
    record: write,
    add: write,
    observe(metric, read) {
      const { unit, description } = METRICS[metric];
      meter()
        .createObservableUpDownCounter(metric, { unit, description })
        .addCallback((result) => {
          for (const { count, attributes } of read()) result.observe(count, allowed(metric, attributes));
        });
    },
  };
}

/** Leaves what may be on the metric, for callers that the compiler was not asked about. */
function allowed(metric: MetricName, attributes: SpanAttributes): Attributes {
  return pick(attributes, METRIC_ATTRIBUTES[metric] as readonly AttributeKey[]);
}
