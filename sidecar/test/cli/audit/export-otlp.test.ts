import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { otlpLogEvent, readLeaf, recordOf } from '@tallystick/audit';
import { JsonLogsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { runCli } from '../run-cli.ts';
import { CLOSE, vkeyAt, WrittenLogs } from './written-logs.ts';

/** What OpenTelemetry's own encoder makes of the same event. */
function encodedByOthers(body: string, origin: string, index: number): unknown {
  const leaf = readLeaf(origin, index, Buffer.from(body));
  const event = otlpLogEvent(leaf, recordOf(leaf)!);
  const exporter = new InMemoryLogRecordExporter();
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ 'service.name': 'tallystick', 'service.instance.id': origin.split('/')[1]! }),
    processors: [new SimpleLogRecordProcessor({ exporter })],
  });
  const { traceId, spanId } = event.trace ?? {};
  const context = traceId
    ? trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: spanId!, traceFlags: 0 })
    : ROOT_CONTEXT;
  provider.getLogger('@tallystick/audit').emit({
    eventName: event.eventName,
    timestamp: event.timestamp,
    observedTimestamp: event.timestamp,
    severityNumber: event.severityNumber,
    severityText: event.severityText,
    body,
    attributes: { ...event.attributes },
    context,
  });
  return JSON.parse(Buffer.from(JsonLogsSerializer.serializeRequest(exporter.getFinishedLogRecords())!).toString());
}

/** Without what differs between two right encodings: numbers as texts or not, members that are empty or zero. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([key, each]) => key === 'intValue' || (each !== 0 && each !== ''));
  return Object.fromEntries(members.map(([key, each]) => [key, key === 'intValue' ? String(each) : comparable(each)]));
}

test('every line of an export as OTLP is what the encoder of OpenTelemetry makes of that event', async () => {
  const logs = await WrittenLogs.begin();
  const traced = { trace_id: '4bf92f3577b34da6a3ce929d0e0e4736', span_id: '00f067aa0ba902b7' };
  await logs.register(CLOSE, 'team-payments');
  await logs.release(CLOSE, 'run-1');
  await logs.deny(CLOSE);
  await logs.append('sidecar.stopped', { cause: 'SIGTERM', v: 1 }, { trace: traced });
  await logs.publish();
  const out = join(logs.dir, 'evidence.otlp');
  const vkey = vkeyAt({ incarnation: 1, shard: 1 });
  const argv = ['audit', 'export', '--dir', logs.dir, '--vkey', vkey, '--format', 'otlp', '--out', out];
  expect((await runCli(argv)).code).toBe(0);
  const lines = readFileSync(out, 'utf8').trimEnd().split('\n');
  expect(lines).toHaveLength(logs.size);
  for (const [index, line] of lines.entries()) {
    const data = JSON.parse(line) as {
      resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: string } }] }] }];
    };
    const { stringValue } = data.resourceLogs[0].scopeLogs[0].logRecords[0].body;
    const origin = 'acme.example/sc-1/1/1';
    expect(comparable(data)).toEqual(comparable(encodedByOthers(stringValue, origin, index)));
  }
  expect(lines.at(-1)).toContain(`"traceId":"${traced.trace_id}","spanId":"${traced.span_id}"`);
});
