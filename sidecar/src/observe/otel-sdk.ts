import { logs, metrics, trace } from '@opentelemetry/api';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, envDetector, detectResources, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { scrubbingSpanProcessor } from '@tallystick/telemetry';
import type { Environment } from '../config/environment.ts';

/** A running OpenTelemetry SDK. */
export interface OtelSdk {
  /** Sends what is queued, for at most `deadlineMs`, and stops. Never rejects. */
  stop(deadlineMs: number): Promise<void>;
}

/**
 * Starts the three signals over OTLP/HTTP, by the usual `OTEL_*` variables, which the exporters read. Queues are
 * bounded: without a collector, what does not fit is dropped.
 *
 * @param service Resource attributes; `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME` win.
 */
export function startOtelSdk(signals: Environment['telemetry'], service: Record<string, string>): OtelSdk {
  const resource = defaultResource()
    .merge(resourceFromAttributes(service))
    .merge(detectResources({ detectors: [envDetector] }));
  const stops: (() => Promise<unknown>)[] = [];
  if (signals.traces) {
    const provider = new TracerProvider({
      resource,
      spanProcessors: [
        scrubbingSpanProcessor(),
        new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), scheduledDelayMillis: 1000 }),
      ],
    });
    trace.setGlobalTracerProvider(provider);
    stops.push(() => provider.shutdown());
  }
  if (signals.metrics) {
    const reader = new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter() });
    const provider = new MeterProvider({ resource, readers: [reader] });
    metrics.setGlobalMeterProvider(provider);
    stops.push(() => provider.shutdown());
  }
  if (signals.logs) {
    const provider = new LoggerProvider({
      resource,
      processors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter() })],
    });
    logs.setGlobalLoggerProvider(provider);
    stops.push(() => provider.shutdown());
  }
  return {
    async stop(deadlineMs) {
      const deadline = new Promise<void>((resolve) => setTimeout(resolve, deadlineMs).unref());
      await Promise.race([Promise.allSettled(stops.map((stop) => stop())), deadline]);
    },
  };
}
