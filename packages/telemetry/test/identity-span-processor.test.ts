import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { TracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  currentBusinessProcess,
  currentIdentity,
  identityAttributes,
  IdentitySpanProcessor,
  setServiceIdentity,
  withBusinessProcess,
  withSpanIdentity,
  withSpanProcess,
  type TelemetryIdentity,
} from '../src/index.ts';
import type * as businessProcessModule from '../src/business-process.ts';
import type * as identityModule from '../src/identity.ts';
import { startOpenTelemetry, stopOpenTelemetry } from './open-telemetry.ts';

const closeBatch: TelemetryIdentity = {
  id: 'spiffe://acme.example/payments/close-batch',
  trustDomain: 'acme.example',
  kind: 'workload',
  owner: { id: 'team-payments', kind: 'team' },
  environment: 'production',
  processes: ['BP-1042'],
};
const ledger: TelemetryIdentity = {
  id: 'spiffe://acme.example/ledger',
  trustDomain: 'acme.example',
  owner: { id: 'team-ledger', kind: 'team' },
  environment: 'production',
  processes: [],
};

let otel: ReturnType<typeof startOpenTelemetry>;
beforeEach(() => {
  otel = startOpenTelemetry([new IdentitySpanProcessor()]);
});
afterEach(() => {
  setServiceIdentity(undefined);
  stopOpenTelemetry();
});

/** A span as any library makes it. */
const foreignSpan = (name: string, parent = context.active()) =>
  trace.getTracer('other-library').startSpan(name, {}, parent);

describe('a span in scope, whichever library starts it', () => {
  test('carries identity, owner, trust domain and environment of the service', () => {
    setServiceIdentity(closeBatch);
    foreignSpan('GET').end();
    expect(otel.span('GET').attributes).toEqual({
      'tallystick.identity.id': 'spiffe://acme.example/payments/close-batch',
      'tallystick.identity.kind': 'workload',
      'tallystick.identity.trust_domain': 'acme.example',
      'tallystick.identity.owner.id': 'team-payments',
      'tallystick.identity.owner.kind': 'team',
      'tallystick.identity.environment': 'production',
    });
  });

  test('carries the business process with its run and ticket, also after awaits and timers', async () => {
    await withBusinessProcess({ id: 'BP-1042', runId: '2026-11', ticket: 'CHG-7' }, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      foreignSpan('query').end();
    });
    foreignSpan('outside').end();
    expect(otel.span('query').attributes).toEqual({
      'tallystick.business_process.id': 'BP-1042',
      'tallystick.business_process.run.id': '2026-11',
      'tallystick.business_process.ticket': 'CHG-7',
    });
    expect(otel.span('outside').attributes).toEqual({});
  });

  test('carries the business process of an explicit parent context, where async scope is lost', () => {
    const kept = withBusinessProcess({ id: 'BP-1042' }, () => context.active());
    foreignSpan('callback of a pool', kept).end();
    expect(otel.span('callback of a pool').attributes).toEqual({ 'tallystick.business_process.id': 'BP-1042' });
  });

  test('carries the business process although its parent context is the root, as a server span has it', () => {
    withBusinessProcess({ id: 'BP-1042' }, () => foreignSpan('GET', ROOT_CONTEXT).end());
    expect(otel.span('GET').attributes).toEqual({ 'tallystick.business_process.id': 'BP-1042' });
  });

  test('carries the identity that its context names, before that of the service', () => {
    setServiceIdentity(ledger);
    const attested = withSpanProcess(withSpanIdentity(context.active(), closeBatch), { id: 'BP-1042' });
    foreignSpan('POST /token', attested).end();
    foreignSpan('own work').end();
    expect(otel.span('POST /token').attributes).toMatchObject({
      'tallystick.identity.id': closeBatch.id,
      'tallystick.identity.owner.id': 'team-payments',
      'tallystick.business_process.id': 'BP-1042',
    });
    expect(otel.span('own work').attributes['tallystick.identity.id']).toBe(ledger.id);
  });

  test('carries the identity that became known while it ran', () => {
    const early = foreignSpan('started before connect');
    setServiceIdentity(closeBatch);
    early.end();
    expect(otel.span('started before connect').attributes['tallystick.identity.id']).toBe(closeBatch.id);
  });

  test('keeps the identity it began with when that of the service changes', () => {
    setServiceIdentity(closeBatch);
    const span = foreignSpan('long');
    setServiceIdentity(ledger);
    span.end();
    expect(otel.span('long').attributes['tallystick.identity.id']).toBe(closeBatch.id);
  });
});

test('the identity of the service is shared by two copies of this package', async () => {
  const copy = (await import('../src/identity.ts?copy')) as typeof identityModule;
  expect(copy.setServiceIdentity).not.toBe(setServiceIdentity);
  copy.setServiceIdentity(closeBatch);
  expect(currentIdentity()).toBe(closeBatch);
});

test('the business process is shared by two copies of this package', async () => {
  const copy = (await import('../src/business-process.ts?copy')) as typeof businessProcessModule;
  expect(copy.withBusinessProcess).not.toBe(withBusinessProcess);
  expect(copy.withBusinessProcess({ id: 'BP-1042' }, () => currentBusinessProcess())).toEqual({ id: 'BP-1042' });
});

test('under the SDK 3 a late identity reaches also an exporter that is placed before', () => {
  const exported: unknown[] = [];
  const eager: SpanProcessor = {
    onStart: () => undefined,
    onEnd: (span) => void exported.push({ ...span.attributes }),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  const provider = new TracerProvider({ spanProcessors: [eager, new IdentitySpanProcessor()] });
  const span = provider.getTracer('x').startSpan('x');
  setServiceIdentity(ledger);
  span.end();
  expect(exported).toEqual([identityAttributes(ledger)]);
});

test('attributes of an identity are computed once, and with a process are a new object', () => {
  expect(identityAttributes(closeBatch)).toBe(identityAttributes(closeBatch));
  expect(identityAttributes(closeBatch, { id: 'BP-1042' })).toEqual({
    ...identityAttributes(closeBatch),
    'tallystick.business_process.id': 'BP-1042',
  });
  expect(identityAttributes(closeBatch)).not.toHaveProperty('tallystick.business_process.id');
  expect(identityAttributes(ledger)).not.toHaveProperty('tallystick.identity.kind');
});

test('what the processor costs each span is printed', () => {
  const measure = (processors: IdentitySpanProcessor[]): number => {
    startOpenTelemetry(processors);
    const tracer = trace.getTracer('measured');
    const round = (count: number): number => {
      const from = process.hrtime.bigint();
      // Never ended: only the start is of interest.
      for (let i = 0; i < count; i++) tracer.startSpan('GET', { attributes: { 'http.request.method': 'GET' } });
      return Number(process.hrtime.bigint() - from) / count;
    };
    round(20_000);
    return Math.min(...Array.from({ length: 5 }, () => round(20_000)));
  };
  setServiceIdentity(closeBatch);
  withBusinessProcess({ id: 'BP-1042', runId: '2026-11' }, () => {
    const without = measure([]);
    const withIt = measure([new IdentitySpanProcessor()]);
    console.log(`a span: ${without.toFixed(0)} ns; with identity and business process: ${withIt.toFixed(0)} ns`);
  });
});
