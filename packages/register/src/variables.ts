import { diag } from '@opentelemetry/api';
import { getNumberFromEnv, getStringFromEnv, getStringListFromEnv } from '@opentelemetry/core';

/** A signal, as the names of `OTEL_*` variables have it. */
export type Signal = 'TRACES' | 'METRICS' | 'LOGS';

/** Returns the exporters of a signal: `OTEL_{signal}_EXPORTER`, default `otlp`; none when `none` is among them. */
export function exportersOf(signal: Signal): readonly string[] {
  const names = getStringListFromEnv(`OTEL_${signal}_EXPORTER`) ?? [];
  if (names.includes('none')) return [];
  return names.length === 0 ? ['otlp'] : [...new Set(names)];
}

/** Returns the OTLP protocol of a signal; one that is not known is `http/protobuf`, with a warning. */
export function otlpProtocolOf(signal: Signal): 'http/protobuf' | 'http/json' | 'grpc' {
  const name =
    getStringFromEnv(`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`) ?? getStringFromEnv('OTEL_EXPORTER_OTLP_PROTOCOL');
  switch (name) {
    case 'http/json':
    case 'grpc':
      return name;
    case undefined:
    case 'http/protobuf':
      return 'http/protobuf';
    default:
      diag.warn(`the OTLP protocol "${name}" is not known; http/protobuf is used`);
      return 'http/protobuf';
  }
}

/** The limits of a batch processor. */
export interface BatchLimits {
  maxQueueSize?: number;
  maxExportBatchSize?: number;
  scheduledDelayMillis?: number;
  exportTimeoutMillis?: number;
}

/** Returns the limits that `OTEL_BSP_*` (spans) or `OTEL_BLRP_*` (log records) set. */
export function batchLimits(prefix: 'OTEL_BSP' | 'OTEL_BLRP'): BatchLimits {
  return defined({
    maxQueueSize: positive(`${prefix}_MAX_QUEUE_SIZE`),
    maxExportBatchSize: positive(`${prefix}_MAX_EXPORT_BATCH_SIZE`),
    scheduledDelayMillis: positive(`${prefix}_SCHEDULE_DELAY`),
    exportTimeoutMillis: positive(`${prefix}_EXPORT_TIMEOUT`),
  });
}

/** Returns how often metrics are exported: `OTEL_METRIC_EXPORT_INTERVAL` and `OTEL_METRIC_EXPORT_TIMEOUT`. */
export function metricPeriod(): { exportIntervalMillis: number; exportTimeoutMillis: number } {
  const exportIntervalMillis = positive('OTEL_METRIC_EXPORT_INTERVAL') ?? 60_000;
  const exportTimeoutMillis = positive('OTEL_METRIC_EXPORT_TIMEOUT') ?? 30_000;
  return { exportIntervalMillis, exportTimeoutMillis: Math.min(exportTimeoutMillis, exportIntervalMillis) };
}

function positive(name: string): number | undefined {
  const value = getNumberFromEnv(name);
  if (value === undefined || value > 0) return value;
  diag.warn(`${name} is ${value}, which is not above 0; its default is used`);
  return undefined;
}

/** Leaves out what is undefined: the SDK takes an explicit undefined for a value in some places. */
function defined(limits: Record<string, number | undefined>): BatchLimits {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}
