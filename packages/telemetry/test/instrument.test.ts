import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { TallystickError } from '@tallystick/core';
import { afterEach, describe, expect, test } from 'vitest';
import { annotateSpan, errorType, instrument } from '../src/index.ts';
import { EVENT_CREDENTIAL_DENIED, METRICS, SCHEMA_URL } from '../src/names.ts';
import { startOpenTelemetry, stopOpenTelemetry } from './open-telemetry.ts';

afterEach(stopOpenTelemetry);

const scope = () => instrument('@tallystick/test', '1.2.3');

describe('a client span', () => {
  test('is of our scope and schema, and is the parent of what happens inside', async () => {
    const otel = startOpenTelemetry();
    const result = await scope().clientSpan(
      'get_credential access-token',
      { 'tallystick.operation.name': 'get_credential', 'tallystick.credential.type': 'access-token' },
      async (span) => {
        await new Promise((resolve) => setImmediate(resolve));
        trace.getTracer('inner').startSpan('inner').end();
        span.set({ 'tallystick.lease.id': 'ls_1', 'tallystick.credential.source': undefined });
        return 7;
      },
    );
    const outer = otel.span('get_credential access-token');
    expect(result).toBe(7);
    expect(outer.kind).toBe(SpanKind.CLIENT);
    expect(outer.instrumentationScope).toMatchObject({
      name: '@tallystick/test',
      version: '1.2.3',
      schemaUrl: SCHEMA_URL,
    });
    expect(outer.attributes).toEqual({
      'tallystick.operation.name': 'get_credential',
      'tallystick.credential.type': 'access-token',
      'tallystick.lease.id': 'ls_1',
    });
    expect(outer.status).toEqual({ code: SpanStatusCode.UNSET });
    expect(otel.span('inner').parentSpanContext?.spanId).toBe(outer.spanContext().spanId);
  });

  test('that fails has the code of our error, its remedy, and ends; the error goes on', async () => {
    const otel = startOpenTelemetry();
    const failure = new TallystickError('not_entitled', 'no');
    await expect(scope().clientSpan('a', {}, () => Promise.reject(failure))).rejects.toBe(failure);
    expect(() =>
      scope().clientSpan('b', {}, () => {
        throw failure;
      }),
    ).toThrow(failure);
    for (const name of ['a', 'b']) {
      const span = otel.span(name);
      expect(span.attributes['error.type']).toBe('not_entitled');
      expect(span.status.code).toBe(SpanStatusCode.ERROR);
      expect(span.status.message).toMatch(/^not_entitled: add the credential/);
      expect(span.events).toEqual([]);
    }
  });

  test('that fails by a foreign error takes nothing of it but a system code', async () => {
    const otel = startOpenTelemetry();
    const secret = Object.assign(new Error('POST with canary'), { code: 'canary-code', name: 'CanaryError' });
    await expect(scope().clientSpan('a', {}, () => Promise.reject(secret))).rejects.toBe(secret);
    const { attributes, status, events } = otel.span('a');
    expect(attributes).toEqual({ 'error.type': '_OTHER' });
    expect(status).toEqual({ code: SpanStatusCode.ERROR });
    expect(events).toEqual([]);
  });

  test('cannot be made to carry a secret or a long text', () => {
    const otel = startOpenTelemetry();
    scope().clientSpan('a', { 'tallystick.credential.name': 'x'.repeat(300) }, (span) =>
      span.set({ 'server.address': 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl' }),
    );
    expect(otel.span('a').attributes).toEqual({
      'tallystick.credential.name': 'x'.repeat(256),
      'server.address': 'REDACTED',
    });
  });
});

test.each([
  [new TallystickError('rate_limited', 'x'), 'rate_limited'],
  [Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
  [Object.assign(new Error('x'), { code: 'UND_ERR_SOCKET' }), 'UND_ERR_SOCKET'],
  [new DOMException('x', 'AbortError'), 'aborted'],
  [new DOMException('x', 'TimeoutError'), 'timeout'],
  [Object.assign(new Error('x'), { code: 'AKIAIOSFODNN7EXAMPLE' }), '_OTHER'],
  [new TypeError('x'), '_OTHER'],
  [undefined, '_OTHER'],
  ['text', '_OTHER'],
])('error.type is of a closed set: %s is %s', (error, type) => {
  expect(errorType(error)).toBe(type);
});

test('a span can have a remote parent, links, or be a root', () => {
  const otel = startOpenTelemetry();
  const first = scope().startSpan('first', { kind: 'server', attributes: { 'http.route': '/token' } });
  const rotation = scope().startSpan('rotation', {
    kind: 'internal',
    parent: ROOT_CONTEXT,
    links: [{ context: trace.getSpanContext(first.context)! }],
  });
  first.within(() => expect(trace.getSpan(context.active())?.spanContext().spanId).toBe(otelId(first.context)));
  rotation.end();
  first.end();
  expect(otel.span('first').kind).toBe(SpanKind.SERVER);
  expect(otel.span('rotation').parentSpanContext).toBeUndefined();
  expect(otel.span('rotation').links.map((link) => link.context.spanId)).toEqual([otelId(first.context)]);
});

const otelId = (parent: Parameters<typeof trace.getSpanContext>[0]) => trace.getSpanContext(parent)!.spanId;

test('the active span of another library can be annotated; without one nothing happens', () => {
  const otel = startOpenTelemetry();
  annotateSpan({ 'tallystick.caller.id': 'spiffe://acme.example/x' });
  trace.getTracer('http').startActiveSpan('GET', (span) => {
    annotateSpan({ 'tallystick.caller.id': 'spiffe://acme.example/x' });
    span.end();
  });
  expect(otel.span('GET').attributes).toEqual({ 'tallystick.caller.id': 'spiffe://acme.example/x' });
});

describe('a metric', () => {
  test('has the unit and buckets of the registry, also when the SDK came after the first use', async () => {
    stopOpenTelemetry();
    const early = scope();
    early.record('tallystick.client.operation.duration', 9, { 'tallystick.operation.name': 'connect' });
    const otel = startOpenTelemetry();
    early.record('tallystick.client.operation.duration', 0.003, { 'tallystick.operation.name': 'connect' });
    const metric = await otel.metric('tallystick.client.operation.duration');
    const [point] = metric!.dataPoints;
    expect(metric!.descriptor.unit).toBe('s');
    expect(point!.attributes).toEqual({ 'tallystick.operation.name': 'connect' });
    expect(point!.value).toMatchObject({
      count: 1,
      buckets: { boundaries: METRICS['tallystick.client.operation.duration'].buckets },
    });
  });

  test('drops what a caller without types adds: identities and leases never become labels', async () => {
    const otel = startOpenTelemetry();
    const careless = {
      'tallystick.operation.name': 'connect',
      'tallystick.identity.id': 'spiffe://a/b',
      'tallystick.lease.id': 'ls_1',
    };
    scope().record('tallystick.client.operation.duration', 1, careless as never);
    scope().add('tallystick.audit.records', 2, { 'tallystick.audit.log.origin': 'acme.example/1/0/0' } as never);
    scope().observe('tallystick.credential.active', () => [
      {
        count: 3,
        attributes: { 'tallystick.provider.name': 'issuer', 'tallystick.identity.id': 'spiffe://a/b' } as never,
      },
    ]);
    const points = async (name: string) => (await otel.metric(name))!.dataPoints;
    expect((await points('tallystick.client.operation.duration'))[0]!.attributes).toEqual({
      'tallystick.operation.name': 'connect',
    });
    expect((await points('tallystick.audit.records'))[0]).toMatchObject({ attributes: {}, value: 2 });
    expect((await points('tallystick.credential.active'))[0]).toMatchObject({
      attributes: { 'tallystick.provider.name': 'issuer' },
      value: 3,
    });
  });
});

test('what is observed is read anew at each collection, and is what there is, not a sum', async () => {
  const otel = startOpenTelemetry();
  let count = 3;
  scope().observe('tallystick.credential.active', () => [
    { count, attributes: { 'tallystick.provider.name': 'issuer' } },
  ]);
  const value = async () => (await otel.metric('tallystick.credential.active'))!.dataPoints[0]!.value;
  expect(await value()).toBe(3);
  count = 2;
  expect(await value()).toBe(2);
});

test('an event belongs to the span of the context that it is given, without a context manager', () => {
  const otel = startOpenTelemetry();
  context.disable();
  const span = scope().startSpan('a', { kind: 'server' });
  scope().emit(EVENT_CREDENTIAL_DENIED, {}, span.context);
  scope().emit(EVENT_CREDENTIAL_DENIED, {});
  span.end();
  expect(otel.logs().map(({ spanContext }) => spanContext?.spanId)).toEqual([otelId(span.context), undefined]);
});

test('an event has its severity and points at the trace it belongs to', () => {
  const otel = startOpenTelemetry();
  scope().clientSpan('a', {}, () =>
    scope().emit(EVENT_CREDENTIAL_DENIED, { 'error.type': 'not_entitled', 'tallystick.audit.record.id': '01K' }),
  );
  expect(otel.logs()).toMatchObject([
    {
      eventName: 'tallystick.credential.denied',
      severityText: 'WARN',
      severityNumber: 13,
      attributes: { 'error.type': 'not_entitled', 'tallystick.audit.record.id': '01K' },
      spanContext: { spanId: otel.span('a').spanContext().spanId },
    },
  ]);
});

test('without an SDK everything is a no-op that runs the function', async () => {
  stopOpenTelemetry();
  const silent = scope();
  expect(silent.clientSpan('a', { 'tallystick.lease.id': 'ls_1' }, () => 7)).toBe(7);
  await expect(silent.clientSpan('a', {}, () => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
  silent.record('tallystick.verification.duration', 1, {});
  silent.add('tallystick.audit.records', 1, {});
  silent.observe('tallystick.credential.active', () => []);
  silent.emit(EVENT_CREDENTIAL_DENIED, {});
});
