import { context, metrics, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { withBusinessProcess } from '@tallystick/telemetry';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodeRequest, openApi, proofOf, refusalOf, requestWith, type TestApi } from './api.ts';
import { SUBJECT } from './issuer.ts';

let spans: InMemorySpanExporter;
let measured: InMemoryMetricExporter;
let reader: PeriodicExportingMetricReader;

beforeEach(() => {
  spans = new InMemorySpanExporter();
  measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  reader = new PeriodicExportingMetricReader({ exporter: measured, exportIntervalMillis: 3_600_000 });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }));
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
});

afterEach(async () => {
  await reader.shutdown();
  trace.disable();
  metrics.disable();
  context.disable();
});

/** The attributes of the span in which a request was verified. */
async function attributesOf({ verifier, key, token }: TestApi): Promise<Record<string, unknown>> {
  await trace.getTracer('test').startActiveSpan('GET /v1/entries', async (span) => {
    await verifier.verify(requestWith(token, proofOf(key, token)));
    span.end();
  });
  return spans.getFinishedSpans().at(-1)!.attributes;
}

describe('the span that is active while a request is verified', () => {
  test('says who calls, who answers for it, by which lease and token, and that it was accepted', async () => {
    expect(await attributesOf(await openApi())).toEqual({
      'tallystick.caller.id': SUBJECT,
      'tallystick.caller.owner.id': 'team-payments',
      'tallystick.lease.id': 'ls_01KAMQ5Q6G0000000000000000',
      'tallystick.token.id': 'ls_01KAMQ5Q6G0000000000000000',
      'tallystick.verification.verdict': 'accepted',
    });
  });

  test("names the business process of the baggage where the token says that it is the caller's", async () => {
    const api = await openApi();
    const attributes = await withBusinessProcess({ id: 'BP-1042', runId: 'r-77' }, () => attributesOf(api));
    expect(attributes['tallystick.business_process.id']).toBe('BP-1042');
  });

  test.each(['BP-9999', 'bp-1042', 'BP-1042 '])(
    'does not name a business process that baggage alone claims: %s',
    async (id) => {
      const api = await openApi();
      const baggage = propagation.createBaggage({ 'tallystick.process': { value: id } });
      const attributes = await context.with(propagation.setBaggage(context.active(), baggage), () => attributesOf(api));
      expect(attributes).not.toHaveProperty('tallystick.business_process.id');
    },
  );

  test('names the token of a refused request and why, but nobody: it may be in the hands of somebody else', async () => {
    const { verifier, token } = await openApi();
    await trace.getTracer('test').startActiveSpan('GET /v1/entries', async (span) => {
      await refusalOf(verifier, nodeRequest(['Authorization', `DPoP ${token}`]));
      span.end();
    });
    expect(spans.getFinishedSpans().at(-1)!.attributes).toEqual({
      'tallystick.lease.id': 'ls_01KAMQ5Q6G0000000000000000',
      'tallystick.token.id': 'ls_01KAMQ5Q6G0000000000000000',
      'tallystick.verification.verdict': 'invalid_proof',
    });
  });

  test('names no token whose signature is not good', async () => {
    const { verifier, token } = await openApi();
    await trace.getTracer('test').startActiveSpan('GET /v1/entries', async (span) => {
      await refusalOf(verifier, nodeRequest(['Authorization', `DPoP ${token.slice(0, -6)}AAAAAA`]));
      span.end();
    });
    expect(spans.getFinishedSpans().at(-1)!.attributes).toEqual({ 'tallystick.verification.verdict': 'invalid_token' });
  });
});

test('the duration of verifications is measured by binding, and by the code of a refusal, never by caller', async () => {
  const { verifier, key, token, issuer } = await openApi({ dangerouslyAcceptBearerTokens: true });
  await verifier.verify(requestWith(token, proofOf(key, token)));
  await verifier.verify(nodeRequest(['Authorization', `Bearer ${await issuer.token(undefined)}`]));
  await refusalOf(verifier, nodeRequest());
  await reader.forceFlush();
  const metric = measured
    .getMetrics()
    .at(-1)
    ?.scopeMetrics.flatMap((scope) => scope.metrics);
  expect(metric?.map(({ descriptor }) => descriptor.name)).toEqual(['tallystick.verification.duration']);
  expect(metric?.[0]?.dataPoints.map(({ attributes }) => attributes)).toEqual([
    { 'tallystick.credential.binding': 'dpop' },
    { 'tallystick.credential.binding': 'none' },
    { 'error.type': 'token_missing' },
  ]);
});
