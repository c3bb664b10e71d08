import { trace } from '@opentelemetry/api';
import { parseTraceparent } from '@tallystick/core';
import { afterEach, expect, test } from 'vitest';
import { currentTraceparent, injectTrace, suppressTracing } from '../src/index.ts';
import { startOpenTelemetry, stopOpenTelemetry } from './open-telemetry.ts';

afterEach(stopOpenTelemetry);

test('the active span is told as a traceparent that reads back', () => {
  startOpenTelemetry();
  trace.getTracer('any').startActiveSpan('call', (span) => {
    const { traceId, spanId } = span.spanContext();
    expect(parseTraceparent(currentTraceparent())).toEqual({ traceId, spanId, sampled: true });
    const headers: Record<string, string> = {};
    injectTrace(headers);
    expect(headers['traceparent']).toBe(currentTraceparent());
  });
});

test('without an SDK there is no traceparent and nothing is injected', () => {
  const headers: Record<string, string> = {};
  trace.getTracer('any').startActiveSpan('call', () => {
    expect(currentTraceparent()).toBeUndefined();
    injectTrace(headers);
  });
  expect(headers).toEqual({});
});

test('a suppressed function makes no spans, also after an await, and returns what it returns', async () => {
  const { spans } = startOpenTelemetry();
  const tracer = trace.getTracer('http');
  const result = await suppressTracing(async () => {
    await new Promise((resolve) => setImmediate(resolve));
    tracer.startSpan('POST').end();
    return 7;
  });
  tracer.startSpan('GET').end();
  expect(result).toBe(7);
  expect(spans().map(({ name }) => name)).toEqual(['GET']);
});
