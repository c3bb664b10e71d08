import { logs, metrics, trace, type Attributes } from '@opentelemetry/api';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace';
import { onTestFinished } from 'vitest';

/** One series of a metric. */
export interface Series {
  readonly attributes: Attributes;
  /** Of a histogram, how often it was recorded; of anything else its value. */
  readonly value: number;
}

/** Registers the OpenTelemetry SDK for one test, as the sidecar does, with exporters that keep everything in memory. */
export function startOpenTelemetry() {
  const spans = new InMemorySpanExporter();
  const events = new InMemoryLogRecordExporter();
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 3_600_000 });
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }));
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  logs.setGlobalLoggerProvider(
    new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: events })] }),
  );
  onTestFinished(() => {
    trace.disable();
    metrics.disable();
    logs.disable();
  });
  return {
    spans: (): readonly ReadableSpan[] => spans.getFinishedSpans(),
    /** The newest span. */
    lastSpan: (): ReadableSpan => spans.getFinishedSpans().at(-1)!,
    /** Events, in order, of one name where it is given. */
    events: (name?: string) =>
      events.getFinishedLogRecords().filter(({ eventName }) => name === undefined || eventName === name),
    /** All metrics as they are now. */
    async metrics(): Promise<ReadonlyMap<string, readonly Series[]>> {
      await reader.forceFlush();
      const scopes = metricExporter.getMetrics().at(-1)?.scopeMetrics ?? [];
      return new Map(
        scopes
          .flatMap((scope) => scope.metrics)
          .map(({ descriptor, dataPoints }) => [
            descriptor.name,
            dataPoints.map(({ attributes, value }) => ({
              attributes,
              value: typeof value === 'number' ? value : value.count,
            })),
          ]),
      );
    },
  };
}
