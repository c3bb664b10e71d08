// What a daemon tells a collector, and that it serves as well without one.
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { command } from '../daemon/command.ts';
import { SERVICE, startDaemon, TALLYSTICK, type Daemon } from '../daemon/daemon.ts';
import { freePort } from '../servers/free-ports.ts';
import { startOtlpCollector, type OtlpSignal } from '../daemon/otlp-collector.ts';
import { socketClient } from '../daemon/socket-client.ts';
import { readRecords } from '../faults/record-files.ts';
import { times } from '../faults/scale.ts';

interface Item {
  readonly name?: string;
  readonly eventName?: string;
  readonly traceId?: string;
  readonly parentSpanId?: string;
  readonly attributes?: readonly {
    readonly key: string;
    readonly value: { readonly stringValue?: string; readonly intValue?: number | string };
  }[];
}

const GRANT = 'grant_type=client_credentials';

/** `resourceSpans[].scopeSpans[].spans[]`, and alike for the others: all groups have one shape. */
type Document = Readonly<Record<string, readonly { readonly resource: Item; readonly [scopes: string]: unknown }[]>>;

const attributesOf = ({ attributes = [] }: Item): Record<string, string | undefined> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue?.toString()]));

function itemsOf(document: Document): { resource: Item; item: Item }[] {
  return Object.values(document)
    .flat()
    .flatMap(({ resource, ...rest }) =>
      (Object.values(rest).flat() as Record<string, readonly Item[]>[])
        .flatMap((scope) => Object.values(scope).filter(Array.isArray).flat() as Item[])
        .map((item) => ({ resource, item })),
    );
}

test(
  'spans, metrics and events of a daemon reach a collector, and point at its record',
  { timeout: 60_000 },
  async () => {
    await using collector = await startOtlpCollector();
    await using daemon = await startDaemon({
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
        NODE_V8_COVERAGE: 'loaded',
      },
    });
    const client = await socketClient(daemon.socket);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const form = { 'content-type': 'application/x-www-form-urlencoded', traceparent };
    const answer = await client.send('POST', '/token', form, GRANT);
    const { lease_id: lease, record_id: record } = answer.json();
    const denied = await client.send('POST', '/token', form, `${GRANT}&resource=https%3A%2F%2Fpayroll.acme.example`);
    expect(denied.json().error).toBe('invalid_target');
    await command(daemon, 'leases', 'revoke', String(lease), '--reason', 'INC-7');
    expect(await daemon.kill('SIGTERM')).toBe(0);

    const sent = (signal: OtlpSignal) => collector.documents<Document>(signal).flatMap(itemsOf);
    const span = sent('traces').find(({ item }) => attributesOf(item)['tallystick.lease.id'] === lease)!;
    expect(attributesOf(span.resource)).toMatchObject({
      'service.name': 'tallystick',
      'deployment.environment.name': 'test',
    });
    expect(span.item).toMatchObject({
      name: 'POST /token',
      traceId: '0af7651916cd43dd8448eb211c80319c',
      parentSpanId: 'b7ad6b7169203331',
    });
    expect(attributesOf(span.item)).toMatchObject({
      'tallystick.identity.id': SERVICE,
      'tallystick.identity.owner.id': 'team-payments',
      'tallystick.policy.decision': 'allow',
      'tallystick.audit.record.id': record,
    });

    // What a span says of its record is where that record stands in the log, and the record names the span's parent.
    const { record: origin } = await daemon.logged('serving');
    const records = readRecords(daemon.folder);
    const refusal = sent('traces').find(({ item }) => attributesOf(item)['tallystick.policy.decision'] === 'deny')!;
    for (const [{ item }, type] of [
      [span, 'credential.released'],
      [refusal, 'credential.denied'],
    ] as const) {
      const attributes = attributesOf(item);
      expect(attributes['tallystick.audit.log.origin']).toBe(origin);
      expect(records[Number(attributes['tallystick.audit.log.index'])]).toMatchObject({
        id: attributes['tallystick.audit.record.id'],
        seq: Number(attributes['tallystick.audit.log.index']),
        origin,
        type,
        lease: attributes['tallystick.lease.id'] ?? null,
        trace: { trace_id: item.traceId, span_id: item.parentSpanId },
      });
    }
    expect([...new Set(sent('logs').map(({ item }) => item.eventName))]).toEqual(
      expect.arrayContaining([
        'tallystick.credential.issued',
        'tallystick.credential.denied',
        'tallystick.credential.revoked',
      ]),
    );
    expect([...new Set(sent('metrics').map(({ item }) => item.name))]).toEqual(
      expect.arrayContaining([
        'tallystick.server.request.duration',
        'tallystick.policy.decisions',
        'tallystick.audit.records',
      ]),
    );
  },
);

test('without a collector nothing of OpenTelemetry is loaded', async () => {
  await using daemon = await startDaemon({ env: { NODE_V8_COVERAGE: 'loaded' } });
  expect((await (await socketClient(daemon.socket)).token()).status).toBe(200);
  expect(await daemon.kill('SIGTERM')).toBe(0);
  expect(loadedBy(daemon)).toEqual([]);
});

/** Returns the modules of OpenTelemetry that a daemon had loaded when it ended, as Node's coverage names them. */
function loadedBy({ folder }: Daemon): string[] {
  const [report] = readdirSync(join(folder, 'loaded'));
  const { result } = JSON.parse(readFileSync(join(folder, 'loaded', report!), 'utf8')) as { result: { url: string }[] };
  return result.map(({ url }) => url).filter((url) => url.includes('@opentelemetry'));
}

/** Spans of as many requests do not fit into this heap: a daemon that kept them would end. */
const REQUESTS = times(15_000, 100_000);
const SMALL_HEAP = ['--max-old-space-size=28', '--max-semi-space-size=2'];
/** Before OpenTelemetry's own timeout of ten seconds lets go. */
const STOP_MS = 9_000;

test.each(['that hangs', 'that is not there'])(
  'a collector %s fails no request, holds no memory, and does not hold up the end',
  { timeout: 300_000 },
  async (kind) => {
    await using hanging = await startOtlpCollector('hang');
    const endpoint = kind === 'that hangs' ? hanging.endpoint : `http://127.0.0.1:${await freePort()}`;
    await using daemon = await startDaemon({
      command: [process.execPath, ...SMALL_HEAP, ...TALLYSTICK],
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_METRIC_EXPORT_INTERVAL: '1000' },
    });
    await ask(daemon, REQUESTS);
    expect((await (await socketClient(daemon.socket)).token()).status).toBe(200);

    const { promise: tooLate, resolve } = Promise.withResolvers<'too late'>();
    const timer = setTimeout(resolve, STOP_MS, 'too late');
    expect(await Promise.race([daemon.kill('SIGTERM'), tooLate])).toBe(0);
    clearTimeout(timer);
    expect(daemon.log.at(-1)).toMatchObject({ message: 'stopped' });
  },
);

/** Makes so many requests, each a span, over a few connections. */
async function ask({ socket }: Daemon, count: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  let left = count;
  await Promise.all(
    Array.from({ length: agent.maxSockets }, async () => {
      while (left-- > 0) {
        const status = await new Promise((resolve, reject) => {
          get({ socketPath: socket, agent, path: '/jwks', headers: { host: 'localhost' } }, (response) => {
            response.resume().on('end', () => resolve(response.statusCode));
          }).on('error', reject);
        });
        if (status !== 200) throw new Error(`it was answered with ${String(status)}`);
      }
    }),
  );
  agent.destroy();
}
