import { describe, expect, test } from 'vitest';
import { readEnvironment } from '../../src/config/environment.ts';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };
const read = (variables: Record<string, string>) => readEnvironment(variables, '/').telemetry;
const signals = (variables: Record<string, string>) => {
  const { traces, metrics, logs } = read(variables);
  return { traces, metrics, logs };
};

describe('a signal', () => {
  const all = { traces: 'http/protobuf', metrics: 'http/protobuf', logs: 'http/protobuf' };
  const none = { traces: undefined, metrics: undefined, logs: undefined };

  test('is exported where there is an endpoint for it', () => {
    expect(signals({})).toEqual(none);
    expect(signals(ENDPOINT)).toEqual(all);
    expect(signals({ OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://127.0.0.1/v1/logs' })).toEqual({
      ...none,
      logs: 'http/protobuf',
    });
  });

  test('is not exported where OpenTelemetry is told so', () => {
    expect(signals({ ...ENDPOINT, OTEL_METRICS_EXPORTER: 'none' })).toEqual({ ...all, metrics: undefined });
    expect(signals({ ...ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' })).toEqual(none);
  });

  test('has the protocol of its own variable, else that of all', () => {
    const json = { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' };
    expect(signals(json)).toEqual({ traces: 'http/json', metrics: 'http/json', logs: 'http/json' });
    expect(signals({ ...json, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf' })).toEqual({
      traces: 'http/protobuf',
      metrics: 'http/json',
      logs: 'http/json',
    });
  });

  test('falls back to http/protobuf from a protocol that is not spoken, and says so once', () => {
    const grpc = { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
    expect(signals(grpc)).toEqual(all);
    expect(read(grpc).warnings).toEqual([
      'OTEL_EXPORTER_OTLP_PROTOCOL is not followed: the sidecar speaks http/protobuf and http/json; it uses http/protobuf',
    ]);
    expect(read({ ...grpc, OTEL_SDK_DISABLED: 'true' }).warnings).toEqual([]);
  });
});

describe('the sampler', () => {
  test.each([
    [{}, { followsParent: true, ratio: 1 }],
    [{ OTEL_TRACES_SAMPLER: 'always_on' }, { followsParent: false, ratio: 1 }],
    [{ OTEL_TRACES_SAMPLER: 'always_off' }, { followsParent: false, ratio: 0 }],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, { followsParent: true, ratio: 0 }],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio' }, { followsParent: false, ratio: 1 }],
    [
      { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' },
      { followsParent: true, ratio: 0.25 },
    ],
  ])('of %j is %j', (variables, sampler) => {
    expect(read(variables).sampler).toEqual(sampler);
    expect(read(variables).warnings).toEqual([]);
  });

  test.each([
    { OTEL_TRACES_SAMPLER: 'jaeger_remote' },
    { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '25%' },
    { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '-1' },
    { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '1.5' },
  ])('of %j samples all, with a warning', (variables) => {
    expect(read(variables).sampler).toEqual({ followsParent: true, ratio: 1 });
    expect(read(variables).warnings).toEqual([expect.stringContaining('is not followed')]);
  });
});

test.each([
  [undefined, 60_000, 0],
  ['1000', 1000, 0],
  ['0', 60_000, 1],
  ['-5', 60_000, 1],
  ['soon', 60_000, 1],
  ['1e12', 60_000, 1],
])('metrics are exported every OTEL_METRIC_EXPORT_INTERVAL milliseconds: %s is %d', (value, intervalMs, warned) => {
  const { metricIntervalMs, warnings } = read(value === undefined ? {} : { OTEL_METRIC_EXPORT_INTERVAL: value });
  expect([metricIntervalMs, warnings.length]).toEqual([intervalMs, warned]);
});
