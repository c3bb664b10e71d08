import { channel } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { context, createContextKey, metrics, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { IdentitySpanProcessor, withBusinessProcess } from '@tallystick/telemetry';
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { socketTransport } from '../src/transport.ts';
import { VERSION } from '../src/version.ts';
import manifest from '../package.json' with { type: 'json' };
import { CLOSE_BATCH, sealedCredential } from './fake-sidecar.ts';
import { manualTime } from './manual-time.ts';
import { api, connected, sidecar } from './setup.ts';

// Registered once: whoever asked for a tracer keeps it.
const exported = new InMemorySpanExporter();
const measured = new InMemoryMetricExporter(AggregationTemporality.DELTA);
const reader = new PeriodicExportingMetricReader({ exporter: measured, exportIntervalMillis: 3_600_000 });
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
trace.setGlobalTracerProvider(
  new TracerProvider({
    spanProcessors: [new IdentitySpanProcessor(), new SimpleSpanProcessor({ exporter: exported })],
  }),
);
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
afterAll(() => reader.shutdown());

const spans = () => exported.getFinishedSpans();

/** The attributes of what was measured since the test began. */
async function measuredAttributes(name: string): Promise<unknown[]> {
  await reader.forceFlush();
  const all = measured.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
  return all.flatMap(({ descriptor, dataPoints }) =>
    descriptor.name === name ? dataPoints.map((point) => point.attributes) : [],
  );
}

beforeEach(async () => {
  await reader.forceFlush();
  exported.reset();
  measured.reset();
});

test('a credential of an upstream is a client span of its type, and no span or measure shows what is secret', async () => {
  const credentials = [sealedCredential('ledger-db', 'database')];
  const making = () => ({ material: { username: 'v-close-1', password: 'canary-1' } });
  const fake = await sidecar({ identities: [{ ...CLOSE_BATCH, credentials }], making });
  const identity = await connected(fake);
  const { leaseId } = await identity.credential('ledger-db', 'database');
  expect(spans().map(({ name }) => name)).toEqual(['get_credential database']);
  expect(spans()[0]!.attributes).toMatchObject({
    'tallystick.credential.type': 'database',
    'tallystick.lease.id': leaseId,
    'tallystick.audit.record.id': 'rec_3',
  });
  const measures = await measuredAttributes('tallystick.client.operation.duration');
  expect(measures).toMatchObject([{ 'tallystick.credential.type': 'database' }]);
  expect(inspect([spans(), measures], { depth: 9 })).not.toContain('canary');
});

describe('a token that is asked for', () => {
  test('is a client span of the caller, whose trace the sidecar gets, and that names lease, record and identity', async () => {
    const fake = await sidecar();
    const identity = await connected(fake);
    const credential = await trace.getTracer('test').startActiveSpan('call', async (span) => {
      const got = await withBusinessProcess({ id: 'BP-1042' }, () => identity.credential('ledger-api', 'access-token'));
      await identity.credential('ledger-api', 'access-token');
      span.end();
      return got;
    });
    const [asked, call, ...others] = spans();
    expect(others).toEqual([]);
    expect(asked).toMatchObject({
      name: 'get_credential access-token',
      kind: 2,
      parentSpanContext: { spanId: call!.spanContext().spanId },
    });
    expect(asked!.attributes).toMatchObject({
      'tallystick.operation.name': 'get_credential',
      'tallystick.credential.name': 'ledger-api',
      'tallystick.lease.id': credential.leaseId,
      'tallystick.audit.record.id': 'rec_1',
      'tallystick.identity.id': identity.id,
      'tallystick.identity.owner.id': 'team-payments',
      'tallystick.business_process.id': 'BP-1042',
      'network.transport': 'unix',
    });
    const { traceId, spanId } = asked!.spanContext();
    expect(fake.seen.find(({ path }) => path === '/token')!.headers.traceparent).toBe(`00-${traceId}-${spanId}-01`);
  });

  test('is measured, with its error, and without an identity among the attributes', async () => {
    const fake = await sidecar();
    const identity = await connected(fake);
    await identity.credential('ledger-api', 'access-token');
    fake.setState('suspended');
    await expect
      .poll(() => identity.credential('ledger-api', 'access-token').catch((error: { code: string }) => error.code))
      .toBe('identity_suspended');
    expect(await measuredAttributes('tallystick.client.operation.duration')).toEqual([
      { 'tallystick.operation.name': 'get_credential', 'tallystick.credential.type': 'access-token' },
      {
        'tallystick.operation.name': 'get_credential',
        'tallystick.credential.type': 'access-token',
        'error.type': 'identity_suspended',
      },
    ]);
  });

  test('in the background has a trace of its own: the call that happened to start it is over', async () => {
    const time = manualTime();
    const fake = await sidecar({ clock: time.clock });
    const identity = await connected(fake, { clock: time.clock, timers: time.timers });
    await identity.credential('ledger-api', 'access-token');
    time.advance(450_000);
    await trace.getTracer('test').startActiveSpan('call', async (span) => {
      await identity.credential('ledger-api', 'access-token');
      span.end();
    });
    await expect.poll(() => spans().filter(({ name }) => name.startsWith('get_credential')).length).toBe(2);
    expect(spans().at(-1)!.parentSpanContext).toBeUndefined();
  });
});

test('what goes over the socket is hidden from automatic instrumentation, and background work from the caller\u2019s context', async () => {
  const fake = await sidecar();
  const suppressed = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');
  const mark = createContextKey('mark');
  const sent: [string, unknown, unknown][] = [];
  const transport = (path: string): ReturnType<typeof socketTransport> => {
    const real = socketTransport(path);
    return {
      ...real,
      send(request) {
        sent.push([request.path, context.active().getValue(suppressed), context.active().getValue(mark)]);
        return real.send(request);
      },
    };
  };
  const identity = await context.with(ROOT_CONTEXT.setValue(mark, 'caller'), () => connected(fake, { transport }));
  await context.with(ROOT_CONTEXT.setValue(mark, 'caller'), () => identity.credential('ledger-api', 'access-token'));
  await expect.poll(() => sent.length).toBe(4);
  expect(sent).toContainEqual(['/token', true, 'caller']);
  expect(sent).toContainEqual(['/v1/events', true, undefined]);
  expect(sent.every(([, value]) => value === true)).toBe(true);
});

test('no channel, span, error or print shows a token or a key', async () => {
  const messages: unknown[] = [];
  const names = [
    'credential:obtained',
    'credential:failed',
    'credential:dropped',
    'request:retried',
    'events:open',
    'events:lost',
  ];
  const listen = (message: unknown): number => messages.push(message);
  for (const name of names) channel(`tallystick:${name}`).subscribe(listen);
  onTestFinished(() => {
    for (const name of names) channel(`tallystick:${name}`).unsubscribe(listen);
  });
  const fake = await sidecar();
  const server = await api(fake);
  server.nonces = true;
  const identity = await connected(fake);
  await identity.fetch(server.origin);
  const credential = await identity.credential('ledger-api', 'access-token');
  const { dpop } = await identity.authorize({ method: 'GET', url: server.origin });
  fake.revoke(credential.leaseId);
  await expect.poll(() => JSON.stringify(messages)).toContain('credential_revoked');
  fake.options.tamper = (path, body) =>
    path === '/token' ? { ...body, token_type: `Bearer ${credential.token.reveal()}` } : body;
  const error: unknown = await identity.credential('ledger-api', 'access-token').catch((thrown: unknown) => thrown);
  const [, , signature] = credential.token.reveal().split('.');
  const printed = inspect([messages, spans(), error, identity, credential, fake.leases], {
    depth: 12,
    showHidden: true,
  });
  expect(printed).toContain('tallystick.lease.id');
  expect(printed).not.toContain(signature);
  expect(printed).not.toContain(dpop.split('.')[2]);
  expect(printed).not.toMatch(/privateKey|"d":/);
});

test('the scope has the version of the package', () => {
  expect(VERSION).toBe(manifest.version);
});
