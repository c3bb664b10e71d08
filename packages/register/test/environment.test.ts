import { context, propagation, trace, TraceFlags } from '@opentelemetry/api';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { propagatorFromEnv } from '../src/propagator.ts';
import { identityResource, resourceDetectors } from '../src/resource.ts';
import { logRecordProcessors, metricReaders, spanProcessors } from '../src/signals.ts';
import { batchLimits, exportersOf, metricPeriod, otlpProtocolOf } from '../src/variables.ts';

afterEach(() => vi.unstubAllEnvs());

function given(variables: Record<string, string>): void {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
}

const kinds = (parts: readonly object[] | undefined) => parts?.map((part) => part.constructor.name);

describe('what is exported', () => {
  test('is everything to OTLP over HTTP by default, spans behind identity and scrubbing', () => {
    expect(kinds(spanProcessors())).toEqual(['IdentitySpanProcessor', 'Object', 'BatchSpanProcessor']);
    expect(kinds(metricReaders())).toEqual(['PeriodicExportingMetricReader']);
    expect(kinds(logRecordProcessors())).toEqual(['BatchLogRecordProcessor']);
  });

  test('is nothing for none, and no processor is left to do work for nothing', () => {
    given({ OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' });
    expect(spanProcessors()).toEqual([]);
    expect(metricReaders()).toBeUndefined();
    expect(logRecordProcessors()).toBeUndefined();
  });

  test('are spans to each exporter that is named; one that is not known is left out', () => {
    given({ OTEL_TRACES_EXPORTER: 'otlp, console, otlp, jaeger' });
    expect(kinds(spanProcessors())?.slice(2)).toEqual(['BatchSpanProcessor', 'SimpleSpanProcessor']);
    given({ OTEL_TRACES_EXPORTER: 'jaeger' });
    expect(spanProcessors()).toEqual([]);
  });

  test('is left to sdk-node where metrics or logs go elsewhere than to OTLP over HTTP', () => {
    given({ OTEL_METRICS_EXPORTER: 'prometheus', OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'grpc' });
    expect(metricReaders()).toBeUndefined();
    expect(logRecordProcessors()).toBeUndefined();
  });

  test('goes by gRPC where the protocol says so', () => {
    given({ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' });
    expect(kinds(spanProcessors())?.[2]).toBe('BatchSpanProcessor');
    expect(metricReaders()).toBeUndefined();
  });
});

describe('variables', () => {
  test('of a signal win over those of all; an unknown protocol is http/protobuf', () => {
    given({ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'smoke' });
    expect(otlpProtocolOf('TRACES')).toBe('http/json');
    expect(otlpProtocolOf('LOGS')).toBe('http/protobuf');
    expect(exportersOf('LOGS')).toEqual(['otlp']);
  });

  test('set the limits of a batch; what is not above zero leaves the default', () => {
    given({ OTEL_BSP_MAX_QUEUE_SIZE: '100', OTEL_BSP_SCHEDULE_DELAY: '0', OTEL_BSP_EXPORT_TIMEOUT: 'soon' });
    expect(batchLimits('OTEL_BSP')).toEqual({ maxQueueSize: 100 });
    expect(batchLimits('OTEL_BLRP')).toEqual({});
  });

  test('set the period of metrics; a timeout is never longer', () => {
    expect(metricPeriod()).toEqual({ exportIntervalMillis: 60_000, exportTimeoutMillis: 30_000 });
    given({ OTEL_METRIC_EXPORT_INTERVAL: '1000' });
    expect(metricPeriod()).toEqual({ exportIntervalMillis: 1000, exportTimeoutMillis: 1000 });
  });
});

describe('the propagator', () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const headersOf = (): string[] => {
    const spanContext = { traceId, spanId: '00f067aa0ba902b7', traceFlags: TraceFlags.SAMPLED };
    const baggage = propagation.createBaggage({ tenant: { value: 'blue' }, 'tallystick.process': { value: 'BP-1' } });
    const parent = propagation.setBaggage(trace.setSpanContext(context.active(), spanContext), baggage);
    const headers: Record<string, string> = {};
    propagatorFromEnv()?.inject(parent, headers, { set: (carrier, key, value) => void (carrier[key] = value) });
    return Object.entries(headers).map(([key, value]) => `${key}: ${value}`);
  };

  test('is W3C by default, and keeps the business process from whom no credential is for', () => {
    expect(headersOf()).toEqual([`traceparent: 00-${traceId}-00f067aa0ba902b7-01`, 'baggage: tenant=blue']);
  });

  test('is what OTEL_PROPAGATORS names', () => {
    given({ OTEL_PROPAGATORS: 'b3,unknown' });
    expect(headersOf()).toEqual([`b3: ${traceId}-00f067aa0ba902b7-1`]);
    given({ OTEL_PROPAGATORS: 'b3multi' });
    expect(headersOf().join()).toContain('x-b3-traceid');
    given({ OTEL_PROPAGATORS: 'none' });
    expect(propagatorFromEnv()).toBeNull();
  });
});

describe('the resource', () => {
  test('tells neither arguments nor user of the process', () => {
    const found = resourceDetectors()!.map((detector) => detector.detect().attributes ?? {});
    const keys = found.flatMap((attributes) => Object.keys(attributes));
    expect(keys).toContain('process.pid');
    expect(keys.filter((key) => /command|owner|path/.test(key))).toEqual([]);
  });

  test('is by the detectors that the user names, where the user does', () => {
    given({ OTEL_NODE_RESOURCE_DETECTORS: 'env' });
    expect(resourceDetectors()).toBeUndefined();
  });

  test('has the identity once it is known, and goes without when it is not', async () => {
    const known = identityResource(Promise.resolve({ 'tallystick.identity.id': 'spiffe://acme.example/x' }));
    expect(known.asyncAttributesPending).toBe(true);
    await known.waitForAsyncAttributes?.();
    expect(known.attributes).toMatchObject({ 'tallystick.identity.id': 'spiffe://acme.example/x' });
    const unknown = identityResource(Promise.resolve({}));
    await unknown.waitForAsyncAttributes?.();
    expect(Object.keys(unknown.attributes).filter((key) => key.startsWith('tallystick'))).toEqual([]);
  });
});
