import { logs, metrics, trace } from '@opentelemetry/api';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type Sampler,
} from '@opentelemetry/sdk-trace';
import type { Clock, Random, Timers } from '@tallystick/core';
import { scrubbingSpanProcessor } from '@tallystick/telemetry';
import type { TelemetryEnvironment, TraceSampler } from '../config/telemetry-environment.ts';
import type { Log } from './log.ts';
import type { DeliveryOptions } from './otlp-delivery.ts';
import { otlpLogExporter, otlpMetricExporter, otlpSpanExporter } from './otlp-exporters.ts';

/** A running OpenTelemetry SDK. */
export interface OtelSdk {
  /** Sends what is queued, for at most `deadlineMs`, and stops; nothing of it is left that holds the process. */
  stop(deadlineMs: number): Promise<void>;
}

/** What the SDK is started with. */
export interface OtelSdkOptions {
  readonly environment: TelemetryEnvironment;
  /** Resource attributes; `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME` win. */
  readonly resource: Readonly<Record<string, string>>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly timers: Timers;
  readonly random: Random;
  /** Told when the collector does not take what is sent, and when it does again. */
  readonly log: Log;
}

/** The most spans, and the most log records, that wait for the collector; what comes then is dropped. */
const MAX_WAITING = 2048;
/**
 * How many of them leave together, and how long the first of them waits for others. Under load most are gone before they
 * are old to the garbage collector, which would keep them for long.
 */
const BATCH = { maxQueueSize: MAX_WAITING, maxExportBatchSize: 512, scheduledDelayMillis: 200 };

/** Registers the three signals, as far as they are exported, over OTLP/HTTP. */
export function startOtelSdk(options: OtelSdkOptions): OtelSdk {
  const { environment, timers } = options;
  const resource = defaultResource()
    .merge(resourceFromAttributes(options.resource))
    .merge(detectResources({ detectors: [envDetector] }));
  const end = new AbortController();
  const delivery = (signal: string): DeliveryOptions => ({
    clock: options.clock,
    timers,
    random: options.random,
    giveUp: end.signal,
    attempted: tellOfChange(signal, options.log),
  });
  const providers: { shutdown(): Promise<void> }[] = [];
  if (environment.traces) {
    const exporter = otlpSpanExporter(environment.traces, delivery('traces'));
    const provider = new TracerProvider({
      resource,
      sampler: samplerOf(environment.sampler),
      spanProcessors: [scrubbingSpanProcessor(), new BatchSpanProcessor({ exporter, ...BATCH })],
    });
    trace.setGlobalTracerProvider(provider);
    providers.push(provider);
  }
  if (environment.metrics) {
    const exporter = otlpMetricExporter(environment.metrics, delivery('metrics'));
    const intervalMs = environment.metricIntervalMs;
    const reader = new PeriodicExportingMetricReader({
      exporter,
      exportIntervalMillis: intervalMs,
      exportTimeoutMillis: Math.min(30_000, intervalMs),
    });
    const provider = new MeterProvider({ resource, readers: [reader] });
    metrics.setGlobalMeterProvider(provider);
    providers.push(provider);
  }
  if (environment.logs) {
    const exporter = otlpLogExporter(environment.logs, delivery('logs'));
    const provider = new LoggerProvider({
      resource,
      processors: [new BatchLogRecordProcessor({ exporter, ...BATCH })],
    });
    logs.setGlobalLoggerProvider(provider);
    providers.push(provider);
  }
  return {
    async stop(deadlineMs) {
      const deadline = timers.after(deadlineMs, () => end.abort(), { keepAlive: true });
      await Promise.allSettled(providers.map((provider) => provider.shutdown()));
      deadline.cancel();
      // One that failed to flush does not wait for what was on its way before.
      end.abort();
    },
  };
}

function samplerOf({ followsParent, ratio }: TraceSampler): Sampler {
  const root = new TraceIdRatioBasedSampler(ratio);
  return followsParent ? new ParentBasedSampler({ root }) : root;
}

/** Returns what hears of each attempt, and logs when the collector stops taking what is sent, and when it begins again. */
function tellOfChange(signal: string, log: Log): DeliveryOptions['attempted'] {
  let isFailing = false;
  return (failure) => {
    if (isFailing === (failure !== undefined)) return;
    isFailing = failure !== undefined;
    if (isFailing) log.warn('telemetry is not delivered', { signal, cause: failure });
    else log.info('telemetry is delivered again', { signal });
  };
}
