import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readRegistry } from '../../packages/telemetry/generate/registry.ts';
import { startBundle } from '../daemon/bundle.ts';
import { startDaemon, SERVICE } from '../daemon/daemon.ts';
import { startOtlpCollector } from '../daemon/otlp-collector.ts';
import { overSocket, socketClient } from '../daemon/socket-client.ts';

const REGISTRY = readRegistry(join(import.meta.dirname, '../../packages/telemetry/registry'));
const JSON_PROTOCOL = { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' };

interface KeyValue {
  readonly key: string;
  readonly value: { readonly stringValue?: string };
}

interface Traces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly { readonly spans: readonly { name: string; attributes: readonly KeyValue[] }[] }[];
  }[];
}

interface Logs {
  readonly resourceLogs: readonly {
    readonly scopeLogs: readonly {
      readonly logRecords: readonly { eventName: string; attributes: readonly KeyValue[] }[];
    }[];
  }[];
}

interface Metrics {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly {
      readonly metrics: readonly (Record<
        'histogram' | 'sum',
        { dataPoints: { attributes: KeyValue[] }[] } | undefined
      > & {
        readonly name: string;
      })[];
    }[];
  }[];
}

/** Asks for what a workload asks for, and for what it may not have. */
async function visit(socket: string): Promise<void> {
  const client = await socketClient(socket);
  await client.token({ context: '{"process":{"id":"BP-1042"}}' });
  await client.token({ scope: 'everything' });
  await client.send('GET', '/v1/identity');
  await overSocket(socket, 'GET', '/nothing');
}

describe('a sidecar with a collector', () => {
  test('tells whose sidecar it is, and only what the names registry has', async () => {
    await using collector = await startOtlpCollector();
    await using daemon = await startDaemon({
      env: { ...JSON_PROTOCOL, OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint },
    });
    await visit(daemon.socket);
    expect(await daemon.kill('SIGTERM')).toBe(0);

    const traces = collector.documents<Traces>('traces').flatMap(({ resourceSpans }) => resourceSpans);
    const resource = new Map(traces[0]!.resource.attributes.map(({ key, value }) => [key, value.stringValue]));
    expect(Object.fromEntries(resource)).toMatchObject({
      'service.name': 'tallystick',
      'tallystick.identity.trust_domain': 'acme.example',
    });
    const { record } = await daemon.logged('serving');
    expect(record).toContain(`/${resource.get('service.instance.id')}/`);

    const spans = traces.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
    const declared = new Set([
      ...REGISTRY.spans
        .find(({ id }) => id === 'span.tallystick.workload_request.server')!
        .attributes.map(({ key }) => key),
      ...REGISTRY.groups
        .filter(({ name }) => name === 'Identity' || name === 'Business process')
        .flatMap(({ attributes }) => attributes.map(({ key }) => key)),
    ]);
    const names = new Set(spans.flatMap(({ attributes }) => attributes.map(({ key }) => key)));
    expect([...names].filter((name) => !declared.has(name))).toEqual([]);
    expect(names).toContain('tallystick.audit.record.id');
    expect([...new Set(spans.map(({ name }) => name))].sort()).toEqual(['GET', 'GET /v1/identity', 'POST /token']);

    const events = collector
      .documents<Logs>('logs')
      .flatMap(({ resourceLogs }) => resourceLogs.flatMap(({ scopeLogs }) => scopeLogs))
      .flatMap(({ logRecords }) => logRecords);
    expect(events.map(({ eventName }) => eventName)).toEqual(
      expect.arrayContaining([
        'tallystick.configuration.loaded',
        'tallystick.identity.attested',
        'tallystick.credential.issued',
        'tallystick.credential.denied',
        'tallystick.audit.checkpoint.published',
      ]),
    );
  });

  test('does so as its bundle too, in protobuf where nothing else is said', async () => {
    await using collector = await startOtlpCollector();
    await using daemon = await startBundle({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint } });
    await visit(daemon.socket);
    expect(await daemon.kill('SIGTERM')).toBe(0);
    for (const [signal, name] of [
      ['traces', 'POST /token'],
      ['metrics', 'tallystick.server.request.duration'],
      ['logs', 'tallystick.credential.issued'],
    ] as const) {
      expect(Buffer.concat(collector.bodies(signal)).toString('latin1')).toContain(name);
      expect(collector.documents(signal)).toEqual([]);
    }
  });

  test('puts no identity on a metric', async () => {
    await using collector = await startOtlpCollector();
    await using daemon = await startDaemon({
      env: { ...JSON_PROTOCOL, OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint },
    });
    await visit(daemon.socket);
    await daemon.kill('SIGTERM');
    const metrics = collector
      .documents<Metrics>('metrics')
      .flatMap(({ resourceMetrics }) => resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics))
      .flatMap((scope) => scope.metrics);
    const points = metrics.flatMap(({ histogram, sum }) => (histogram ?? sum)!.dataPoints);
    const values = points.flatMap(({ attributes }) => attributes.map(({ value }) => value.stringValue));
    expect(metrics.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'tallystick.server.request.duration',
        'tallystick.attestation.duration',
        'tallystick.credential.mint.duration',
        'tallystick.credential.active',
        'tallystick.identity.count',
        'tallystick.audit.append.duration',
        'tallystick.audit.records',
      ]),
    );
    expect(values).toContain('workload');
    for (const name of [SERVICE, 'team-payments', 'BP-1042']) expect(values).not.toContain(name);
  });

  test.each([
    ['is not there', undefined],
    ['never answers', 'hang'],
  ] as const)('that %s serves as before, and stops within its five seconds', async (_, answer) => {
    await using collector = await startOtlpCollector(answer);
    const endpoint = answer ? collector.endpoint : 'http://127.0.0.1:1';
    await using daemon = await startDaemon({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } });
    await visit(daemon.socket);
    if (answer) await collector.until(() => collector.bodies('traces').length > 0);
    else await daemon.logged('telemetry is not delivered');
    expect((await (await socketClient(daemon.socket)).token()).status).toBe(200);
    const begunMs = performance.now();
    expect(await daemon.kill('SIGTERM')).toBe(0);
    expect(performance.now() - begunMs).toBeLessThan(5000);
    await daemon.logged('stopped');
  });
});
