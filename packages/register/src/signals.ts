import { diag } from '@opentelemetry/api';
import { OTLPTraceExporter as GrpcTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { BatchLogRecordProcessor, type LogRecordProcessor } from '@opentelemetry/sdk-logs';
import { PeriodicExportingMetricReader, type IMetricReader } from '@opentelemetry/sdk-metrics';
import {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  SimpleSpanProcessor,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import { IdentitySpanProcessor, scrubbingSpanProcessor } from '@tallystick/telemetry';
import { otlpLogRecordExporter, otlpMetricExporter, otlpSpanExporter } from './otlp.ts';
import { batchLimits, exportersOf, metricPeriod, otlpProtocolOf, type Signal } from './variables.ts';

/**
 * Returns the span processors that `OTEL_TRACES_EXPORTER` asks for, behind those that stamp and scrub every span. None
 * when nothing is exported.
 */
export function spanProcessors(): SpanProcessor[] {
  const exporting = exportersOf('TRACES').flatMap((name): SpanProcessor[] => {
    switch (name) {
      case 'otlp': {
        const protocol = otlpProtocolOf('TRACES');
        const exporter = protocol === 'grpc' ? new GrpcTraceExporter() : otlpSpanExporter(protocol);
        return [new BatchSpanProcessor({ exporter, ...batchLimits('OTEL_BSP') })];
      }
      case 'console':
        return [new SimpleSpanProcessor({ exporter: new ConsoleSpanExporter() })];
      default:
        diag.warn(`OTEL_TRACES_EXPORTER names "${name}"; known are otlp, console and none`);
        return [];
    }
  });
  if (exporting.length === 0) return [];
  // How long a text may be is for OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT to say: stack traces and queries are long.
  return [new IdentitySpanProcessor(), scrubbingSpanProcessor({ maxTextLength: Infinity }), ...exporting];
}

/** Returns the metric readers, or undefined where what is asked for is left to `@opentelemetry/sdk-node`. */
export function metricReaders(): IMetricReader[] | undefined {
  const protocol = onlyOtlpOverHttp('METRICS');
  return protocol && [new PeriodicExportingMetricReader({ exporter: otlpMetricExporter(protocol), ...metricPeriod() })];
}

/** Returns the log processors, or undefined where what is asked for is left to `@opentelemetry/sdk-node`. */
export function logRecordProcessors(): LogRecordProcessor[] | undefined {
  const protocol = onlyOtlpOverHttp('LOGS');
  return (
    protocol && [
      new BatchLogRecordProcessor({ exporter: otlpLogRecordExporter(protocol), ...batchLimits('OTEL_BLRP') }),
    ]
  );
}

function onlyOtlpOverHttp(signal: Signal): 'http/protobuf' | 'http/json' | undefined {
  if (exportersOf(signal).join() !== 'otlp') return undefined;
  const protocol = otlpProtocolOf(signal);
  return protocol === 'grpc' ? undefined : protocol;
}
