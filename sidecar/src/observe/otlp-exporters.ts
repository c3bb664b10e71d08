import { OTLPMetricExporterBase } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPExporterBase } from '@opentelemetry/otlp-exporter-base';
import { convertLegacyHttpOptions } from '@opentelemetry/otlp-exporter-base/node-http';
import {
  JsonLogsSerializer,
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import type { LogRecordExporter } from '@opentelemetry/sdk-logs';
import type { PushMetricExporter } from '@opentelemetry/sdk-metrics';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { OtlpProtocol } from '../config/telemetry-environment.ts';
import { VERSION } from '../version.ts';
import { OtlpDelivery, type Collector, type DeliveryOptions } from './otlp-delivery.ts';

type Signal = 'TRACES' | 'METRICS' | 'LOGS';

/** Returns an exporter of spans to the collector that the `OTEL_EXPORTER_OTLP_*` variables name. */
export function otlpSpanExporter(protocol: OtlpProtocol, options: DeliveryOptions): SpanExporter {
  const { serializeRequest } = protocol === 'http/json' ? JsonTraceSerializer : ProtobufTraceSerializer;
  return new OTLPExporterBase(new OtlpDelivery(collectorOf('TRACES', protocol), serializeRequest, options));
}

/** Returns an exporter of metrics to the collector that the `OTEL_EXPORTER_OTLP_*` variables name. */
export function otlpMetricExporter(protocol: OtlpProtocol, options: DeliveryOptions): PushMetricExporter {
  const { serializeRequest } = protocol === 'http/json' ? JsonMetricsSerializer : ProtobufMetricsSerializer;
  return new OTLPMetricExporterBase(new OtlpDelivery(collectorOf('METRICS', protocol), serializeRequest, options));
}

/** Returns an exporter of log records to the collector that the `OTEL_EXPORTER_OTLP_*` variables name. */
export function otlpLogExporter(protocol: OtlpProtocol, options: DeliveryOptions): LogRecordExporter {
  const { serializeRequest } = protocol === 'http/json' ? JsonLogsSerializer : ProtobufLogsSerializer;
  return new OTLPExporterBase(new OtlpDelivery(collectorOf('LOGS', protocol), serializeRequest, options));
}

function collectorOf(signal: Signal, protocol: OtlpProtocol): Collector {
  const { url, headers, agentFactory, compression, timeoutMillis } = convertLegacyHttpOptions(
    {},
    signal,
    `v1/${signal.toLowerCase()}`,
    {
      'content-type': protocol === 'http/json' ? 'application/json' : 'application/x-protobuf',
      'user-agent': `tallystick/${VERSION}`,
    },
  );
  let agent: ReturnType<typeof agentFactory> | undefined;
  return {
    url,
    headers,
    agent: () => (agent ??= agentFactory(new URL(url).protocol)),
    gzip: compression === 'gzip',
    timeoutMs: timeoutMillis,
  };
}
