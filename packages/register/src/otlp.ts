import { gzipSync } from 'node:zlib';
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
import type { Agent } from 'node:http';
import { BackgroundExport } from './background-export.ts';
import { send, type Outcome } from './send.ts';

/** The encodings of OTLP over HTTP. */
export type HttpProtocol = 'http/protobuf' | 'http/json';

type Signal = 'TRACES' | 'METRICS' | 'LOGS';

/** Returns an exporter of spans, set up by the `OTEL_EXPORTER_OTLP_*` variables. */
export function otlpSpanExporter(protocol: HttpProtocol): SpanExporter {
  const { serializeRequest } = protocol === 'http/json' ? JsonTraceSerializer : ProtobufTraceSerializer;
  return new OTLPExporterBase(backgroundExport('TRACES', protocol, serializeRequest));
}

/** Returns an exporter of metrics, set up by the `OTEL_EXPORTER_OTLP_*` variables. */
export function otlpMetricExporter(protocol: HttpProtocol): PushMetricExporter {
  const { serializeRequest } = protocol === 'http/json' ? JsonMetricsSerializer : ProtobufMetricsSerializer;
  return new OTLPMetricExporterBase(backgroundExport('METRICS', protocol, serializeRequest));
}

/** Returns an exporter of log records, set up by the `OTEL_EXPORTER_OTLP_*` variables. */
export function otlpLogRecordExporter(protocol: HttpProtocol): LogRecordExporter {
  const { serializeRequest } = protocol === 'http/json' ? JsonLogsSerializer : ProtobufLogsSerializer;
  return new OTLPExporterBase(backgroundExport('LOGS', protocol, serializeRequest));
}

function backgroundExport<Items>(
  signal: Signal,
  protocol: HttpProtocol,
  serialize: (items: Items) => Uint8Array | undefined,
): BackgroundExport<Items> {
  const type = protocol === 'http/json' ? 'application/json' : 'application/x-protobuf';
  const options = convertLegacyHttpOptions({}, signal, `v1/${signal.toLowerCase()}`, { 'Content-Type': type });
  const { url, timeoutMillis: timeoutMs, compression } = options;
  let agent: Promise<Agent> | undefined;
  return new BackgroundExport({
    serialize,
    patienceMs: timeoutMs,
    attempt: (plain) => ship(plain).catch((): Outcome => ({ kind: 'refused' })),
  });

  async function ship(plain: Uint8Array): Promise<Outcome> {
    const body = compression === 'gzip' ? gzipSync(plain) : plain;
    const headers = { ...(await options.headers()), ...(compression === 'gzip' && { 'content-encoding': 'gzip' }) };
    agent ??= Promise.resolve(options.agentFactory(new URL(url).protocol));
    return send({ url, headers, body, agent: await agent, timeoutMs });
  }
}
