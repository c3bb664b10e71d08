import { context, metrics, propagation, trace } from '@opentelemetry/api';
import * as api from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';

/** Registers the OpenTelemetry SDK 3 with exporters that keep everything in memory. */
export function startOpenTelemetry(spanProcessors: SpanProcessor[] = []) {
  stopOpenTelemetry();
  const spans = new InMemorySpanExporter();
  const logs = new InMemoryLogRecordExporter();
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 3_600_000 });
  const contextManager = new AsyncLocalStorageContextManager();
  contextManager.enable();
  context.setGlobalContextManager(contextManager);
  propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
  );
  trace.setGlobalTracerProvider(
    new TracerProvider({ spanProcessors: [...spanProcessors, new SimpleSpanProcessor({ exporter: spans })] }),
  );
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  api.logs.setGlobalLoggerProvider(
    new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: logs })] }),
  );
  return {
    spans: () => spans.getFinishedSpans(),
    span: (name: string) => spans.getFinishedSpans().find((span) => span.name === name)!,
    logs: () => logs.getFinishedLogRecords(),
    async metric(name: string) {
      await reader.forceFlush();
      const latest = metricExporter.getMetrics().at(-1)?.scopeMetrics ?? [];
      return latest.flatMap((scope) => scope.metrics).find(({ descriptor }) => descriptor.name === name);
    },
  };
}

/** Leaves OpenTelemetry as it is without an SDK. */
export function stopOpenTelemetry(): void {
  trace.disable();
  metrics.disable();
  context.disable();
  propagation.disable();
  api.logs.disable();
}
