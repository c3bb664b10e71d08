import { logs, metrics, trace } from '@opentelemetry/api';
import { systemClock, systemRandom, systemTimers } from '@tallystick/core';
import { onTestFinished, expect, test, vi } from 'vitest';
import { readTelemetryEnvironment } from '../../src/config/telemetry-environment.ts';
import { startOtelSdk } from '../../src/observe/otel-sdk.ts';
import { memoryLog } from '../memory-log.ts';
import { startCollector, type Collector } from './collector.ts';

const RESOURCE = { 'service.name': 'tallystick', 'service.instance.id': '01KAMZ3CT000000000000000AA' };

/** Starts the SDK as the daemon does, towards `endpoint`. */
function start(endpoint: string, variables: Record<string, string> = {}) {
  for (const [name, value] of Object.entries({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...variables })) {
    vi.stubEnv(name, value);
  }
  const log = memoryLog();
  const sdk = startOtelSdk({
    environment: readTelemetryEnvironment((name) => process.env[name]),
    resource: RESOURCE,
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    log,
  });
  onTestFinished(() => {
    vi.unstubAllEnvs();
    trace.disable();
    metrics.disable();
    logs.disable();
  });
  const makeSpans = (count: number): void => {
    for (let i = 0; i < count; i++) trace.getTracer('test').startSpan(`span-${i}`).end();
  };
  return { sdk, log, makeSpans };
}

function oneOfEach(): void {
  trace.getTracer('test').startSpan('a-span').end();
  metrics.getMeter('test').createCounter('a-counter').add(1);
  logs.getLogger('test').emit({ eventName: 'an-event' });
}

const byPath = ({ received }: Collector) =>
  Object.fromEntries(received.map(({ path, headers, body }) => [path, { type: headers['content-type'], body }]));

test.each([
  ['http/protobuf', {}, 'application/x-protobuf'],
  ['http/json', { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, 'application/json'],
])('the three signals are sent as %s', async (_, variables, type) => {
  const collector = await startCollector();
  const { sdk } = start(collector.endpoint, variables);
  oneOfEach();
  await sdk.stop(5000);
  const requests = byPath(collector);
  expect(Object.entries(requests).map(([path, request]) => [path, request.type])).toEqual(
    expect.arrayContaining([
      ['/v1/traces', type],
      ['/v1/metrics', type],
      ['/v1/logs', type],
    ]),
  );
  expect(requests['/v1/traces']!.body.toString('latin1')).toContain('a-span');
  expect(requests['/v1/metrics']!.body.toString('latin1')).toContain('a-counter');
  expect(requests['/v1/logs']!.body.toString('latin1')).toContain('an-event');
  expect(collector.received[0]!.headers['user-agent']).toMatch(/^tallystick\//);
});

test('the resource says which sidecar it is, and the variables win', async () => {
  const collector = await startCollector();
  const { sdk } = start(collector.endpoint, {
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_SERVICE_NAME: 'sidecar-of-payments',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=production',
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
  });
  oneOfEach();
  await sdk.stop(5000);
  expect(collector.received.map(({ path }) => path)).toEqual(['/v1/traces']);
  const { resourceSpans } = JSON.parse(collector.received[0]!.body.toString()) as {
    resourceSpans: { resource: { attributes: { key: string; value: { stringValue: string } }[] } }[];
  };
  const attributes = resourceSpans[0]!.resource.attributes.map(({ key, value }) => [key, value.stringValue]);
  expect(Object.fromEntries(attributes)).toMatchObject({
    'service.name': 'sidecar-of-payments',
    'service.instance.id': RESOURCE['service.instance.id'],
    'deployment.environment.name': 'production',
  });
});

test('a secret that gets into a span is taken out before it leaves', async () => {
  const collector = await startCollector();
  const { sdk } = start(collector.endpoint);
  const secret = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl';
  trace
    .getTracer('test')
    .startSpan('a-span', { attributes: { 'a.key': secret } })
    .end();
  await sdk.stop(5000);
  const text = byPath(collector)['/v1/traces']!.body.toString('latin1');
  expect(text).toContain('a.key');
  expect(text).not.toContain(secret);
});

test.each([
  ['1', 20],
  ['0', 0],
])('a share of %s of the requests without a parent is traced', async (ratio, count) => {
  const collector = await startCollector();
  const { sdk, makeSpans } = start(collector.endpoint, {
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: ratio,
  });
  makeSpans(20);
  await sdk.stop(5000);
  expect(
    byPath(collector)
      ['/v1/traces']?.body.toString()
      .match(/span-\d+/g)?.length ?? 0,
  ).toBe(count);
});

test('no more than 2,048 spans wait for a collector that does not answer, and the rest is dropped', async () => {
  const collector = await startCollector();
  collector.answer('hang');
  const { sdk, makeSpans } = start(collector.endpoint, { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' });
  makeSpans(512);
  await collector.got(1);
  makeSpans(20_000);
  collector.answer(200);
  collector.letGo(200);
  await sdk.stop(15_000);
  const spans = collector.received
    .filter(({ path }) => path === '/v1/traces')
    .flatMap(({ body }) => body.toString().match(/"span-\d+"/g) ?? []);
  expect(spans).toHaveLength(512 + 2048);
});

test.each([
  ['does not answer', hangingEndpoint],
  ['is not there', async () => 'http://127.0.0.1:1'],
])('a collector that %s does not hold a stop beyond its deadline', { timeout: 5000 }, async (_, endpoint) => {
  const { sdk, makeSpans } = start(await endpoint());
  makeSpans(2048);
  oneOfEach();
  await sdk.stop(100);
});

async function hangingEndpoint(): Promise<string> {
  const collector = await startCollector();
  collector.answer('hang');
  return collector.endpoint;
}

test('the log says once that the collector takes nothing, and once that it takes it again', async () => {
  const collector = await startCollector();
  const { sdk, makeSpans, log } = start(collector.endpoint, {
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
  });
  collector.answer(400);
  makeSpans(512);
  await collector.got(1);
  makeSpans(512);
  await collector.got(2);
  collector.answer(200);
  makeSpans(512);
  await collector.got(3);
  makeSpans(512);
  await sdk.stop(5000);
  expect(log.lines.map(({ level, message, signal, cause }) => [level, message, signal, cause])).toEqual([
    ['warn', 'telemetry is not delivered', 'traces', 'HTTP 400'],
    ['info', 'telemetry is delivered again', 'traces', undefined],
  ]);
});
