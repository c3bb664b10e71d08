import { metrics, type MeterProvider } from '@opentelemetry/api';
import { pick, type AttributeKey, type MetricName } from './attributes.ts';
import { METRIC_ATTRIBUTES, METRICS, SCHEMA_URL } from './names.ts';
import type { Instrument } from './instrument.ts';

interface Measure {
  readonly record: (value: number, attributes: Record<string, unknown>) => void;
}

/**
 * Returns the metrics half of an {@link Instrument}. Instruments are made at first use, and again when another meter
 * provider is registered: the API keeps those made before a provider as no-ops for ever.
 */
export function createMeasures(name: string, version: string): Pick<Instrument, 'record' | 'add'> {
  let provider: MeterProvider | undefined;
  let made = new Map<MetricName, Measure>();
  const measure = (metric: MetricName): Measure => {
    const registered = metrics.getMeterProvider();
    if (registered !== provider) {
      provider = registered;
      made = new Map();
    }
    let found = made.get(metric);
    if (!found) made.set(metric, (found = makeMeasure(registered, name, version, metric)));
    return found;
  };
  const write = (metric: MetricName, value: number, attributes: Record<string, unknown>): void =>
    measure(metric).record(value, pick(attributes, METRIC_ATTRIBUTES[metric] as readonly AttributeKey[]));
  return { record: write, add: write };
}

function makeMeasure(provider: MeterProvider, name: string, version: string, metric: MetricName): Measure {
  const meter = provider.getMeter(name, version, { schemaUrl: SCHEMA_URL });
  const { instrument, unit, description, buckets } = METRICS[metric];
  switch (instrument) {
    case 'histogram': {
      const histogram = meter.createHistogram(metric, {
        unit,
        description,
        advice: { explicitBucketBoundaries: [...buckets] },
      });
      return { record: (value, attributes) => histogram.record(value, attributes as never) };
    }
    case 'counter': {
      const counter = meter.createCounter(metric, { unit, description });
      return { record: (value, attributes) => counter.add(value, attributes as never) };
    }
    case 'updowncounter': {
      const counter = meter.createUpDownCounter(metric, { unit, description });
      return { record: (value, attributes) => counter.add(value, attributes as never) };
    }
  }
}
