import { SpanStatusCode, trace } from '@opentelemetry/api';
import { TracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace';
import { afterEach, expect, test } from 'vitest';
import { scrubbingSpanProcessor } from '../src/index.ts';
import { startOpenTelemetry, stopOpenTelemetry } from './open-telemetry.ts';

afterEach(stopOpenTelemetry);

const TOKEN = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2VjcmV0LWNhbmFyeQ';

function leakEverywhere(): void {
  const span = trace.getTracer('other-library').startSpan(`GET /callback?code=canary`, {
    attributes: { 'url.full': 'https://sts.example/?X-Amz-Signature=canary', 'http.request.header.dpop': ['canary'] },
  });
  span.setAttribute('late', `answered ${TOKEN}`);
  span.recordException(new Error(`could not use ${TOKEN}`));
  span.setStatus({ code: SpanStatusCode.ERROR, message: `bad token ${TOKEN}` });
  span.end();
}

test('a secret is taken out of name, attributes, events and status before any exporter sees it', async () => {
  const otel = startOpenTelemetry([scrubbingSpanProcessor()]);
  leakEverywhere();
  const [span] = otel.spans();
  const { name, attributes, events, status } = span!;
  expect(JSON.stringify({ name, attributes, events, status })).not.toMatch(/canary|eyJ/);
  expect(name).toBe('GET /callback?code=REDACTED');
  expect(attributes['url.full']).toBe('https://sts.example/?X-Amz-Signature=REDACTED');
  expect(status).toEqual({ code: SpanStatusCode.ERROR, message: 'bad token REDACTED' });
});

test('under the SDK 3 the scrubber works also when it is placed after the exporter', () => {
  const exported: unknown[] = [];
  const eager: SpanProcessor = {
    onStart: () => undefined,
    onEnd: (span) => void exported.push({ ...span.attributes }),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  const tracer = new TracerProvider({ spanProcessors: [eager, scrubbingSpanProcessor()] }).getTracer('x');
  tracer.startSpan('x', { attributes: { token: TOKEN } }).end();
  expect(exported).toEqual([{ token: 'REDACTED' }]);
});

test('what was replaced is counted by rule, and by nothing else', async () => {
  const otel = startOpenTelemetry([scrubbingSpanProcessor()]);
  leakEverywhere();
  const metric = await otel.metric('tallystick.telemetry.redactions');
  const counted = metric!.dataPoints.map(({ attributes, value }) => [attributes, value]);
  expect(counted).toEqual(
    expect.arrayContaining([
      [{ 'tallystick.telemetry.redaction.rule': 'url' }, 2],
      [{ 'tallystick.telemetry.redaction.rule': 'header' }, 1],
    ]),
  );
});

test('a text beyond the cap is cut, unless its length is left to the SDK', () => {
  const long = 'x'.repeat(300);
  for (const [options, length] of [
    [{}, 256],
    [{ maxTextLength: Infinity }, 300],
  ] as const) {
    const otel = startOpenTelemetry([scrubbingSpanProcessor(options)]);
    trace.getTracer('x').startSpan('x', { attributes: { long } }).end();
    expect(otel.span('x').attributes['long']).toHaveLength(length);
  }
});
