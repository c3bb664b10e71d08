import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { CLOSE_BATCH, FakeSidecar, identityFor } from '../../sdk/test/fake-sidecar.ts';
import { Collector } from './collector.ts';
import { killServices, startService } from './service.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  killServices();
  for (const stop of stops.splice(0)) await stop();
});

async function collector(answer?: Parameters<typeof Collector.start>[0]): Promise<Collector> {
  const started = await Collector.start(answer);
  stops.push(() => started.stop());
  return started;
}

async function sidecar(...options: Parameters<typeof FakeSidecar.start>): Promise<FakeSidecar> {
  const started = await FakeSidecar.start(...options);
  stops.push(() => started.stop());
  return started;
}

const CLEAN_END = { code: 0, signal: null, stderr: '' };
/** Longer than a test may take: whoever waits for one of these fails it. */
const NEVER = { OTEL_EXPORTER_OTLP_TIMEOUT: '600000', OTEL_BSP_EXPORT_TIMEOUT: '600000' };

describe('a service that is an ES module', () => {
  test('is traced in all that it imports, with identity and business process, and no secret on the wire', async () => {
    const [otlp, fake] = [await collector(), await sidecar()];
    const service = startService(
      'http-service.ts',
      { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint, TALLYSTICK_SOCKET: fake.socketPath },
      ['known', '--password=canary-argument'],
    );
    expect(await service.ended).toMatchObject(CLEAN_END);

    const identity = {
      'tallystick.identity.id': CLOSE_BATCH.id,
      'tallystick.identity.trust_domain': 'acme.example',
      'tallystick.identity.owner.id': 'team-payments',
      'tallystick.identity.owner.kind': 'team',
      'tallystick.identity.environment': 'test',
    };
    const [serverSpans, clientSpans] = [2, 3].map((kind) => otlp.spans.filter((span) => span.kind === kind));
    const paths = clientSpans!.map(({ attributes }) => new URL(String(attributes['url.full'])).pathname);
    expect(paths.sort()).toEqual(['/default', '/fetch', '/named', '/namespace', '/required', '/undici']);
    for (const { attributes, spanId, traceId } of clientSpans!) {
      expect(attributes).toMatchObject({
        ...identity,
        'tallystick.business_process.id': 'BP-1042',
        'tallystick.business_process.run.id': 'r-77',
        'tallystick.business_process.ticket': 'CHG-7',
      });
      expect(serverSpans!.filter(({ parentSpanId }) => parentSpanId === spanId)).toMatchObject([
        { traceId, attributes: identity },
      ]);
    }
    expect(otlp.spans).toHaveLength(12);
    for (const { resource } of otlp.spans) expect(resource).toMatchObject({ ...identity, 'service.name': 'service' });
    expect(otlp.metrics).toContain('tallystick.telemetry.redactions');
    expect(otlp.bytes).not.toContain('canary');
  });
});

test('a service that is CommonJS is traced in what it requires', async () => {
  const otlp = await collector();
  const { ended } = startService('required.cjs', { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint });
  expect(await ended).toMatchObject(CLEAN_END);
  expect(new Set(otlp.spans.map(({ kind }) => kind))).toEqual(new Set([2, 3]));
});

test('the business process goes to the hosts that the credentials are for, and to no other', async () => {
  const fake = await sidecar({ identities: [identityFor(['http://127.0.0.1/'])] });
  const otlp = await collector();
  const { ended } = startService('reach.ts', {
    OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint,
    TALLYSTICK_SOCKET: fake.socketPath,
  });
  expect((await ended).stdout).toBe('127.0.0.1: tallystick.process=BP-1042\nlocalhost: undefined\n');
});

test('by default it speaks OTLP over HTTP in protobuf, for spans, metrics and logs', async () => {
  const otlp = await collector((response) => response.end());
  const { ended } = startService('http-service.ts', {
    OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: '',
  });
  expect(await ended).toMatchObject(CLEAN_END);
  expect(otlp.requests.sort()).toEqual(['/v1/metrics application/x-protobuf', '/v1/traces application/x-protobuf']);
  expect(otlp.bytes).toContain('tallystick.business_process.id');
});

test('a batch is compressed where OTEL_EXPORTER_OTLP_COMPRESSION asks for it', async () => {
  const otlp = await collector();
  const { ended } = startService('ending.ts', {
    OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
  });
  expect(await ended).toMatchObject(CLEAN_END);
  expect(otlp.bytes.slice(0, 2)).toBe('\u001f\u008b');
});

describe('OTEL_SDK_DISABLED and none', () => {
  test('disabled, nothing is exported and nobody is asked', async () => {
    const [otlp, fake] = [await collector(), await sidecar()];
    const { ended } = startService('http-service.ts', {
      OTEL_SDK_DISABLED: 'true',
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint,
      TALLYSTICK_SOCKET: fake.socketPath,
    });
    expect(await ended).toMatchObject(CLEAN_END);
    expect(otlp.requests).toEqual([]);
    expect(fake.seen).toEqual([]);
  });

  test('a signal that is exported to none is not exported', async () => {
    const otlp = await collector();
    const { ended } = startService('http-service.ts', {
      OTEL_TRACES_EXPORTER: 'none',
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint,
    });
    expect(await ended).toMatchObject(CLEAN_END);
    expect(otlp.requests).toEqual(['/v1/metrics application/json']);
  });
});

describe('without a sidecar', () => {
  test('spans are exported without an identity', async () => {
    const otlp = await collector();
    const { ended } = startService('ending.ts', { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint });
    expect(await ended).toMatchObject({ ...CLEAN_END, stdout: 'ready\n' });
    expect(otlp.spans.map(({ name }) => name)).toEqual(['work']);
    expect(otlp.bytes).not.toContain('tallystick.identity');
  });

  test('a sidecar that answers nothing delays neither start nor end', async () => {
    const fake = await sidecar({ intercept: () => 'hang' });
    const otlp = await collector();
    const { ended } = startService('ending.ts', {
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint,
      TALLYSTICK_SOCKET: fake.socketPath,
    });
    expect(await ended).toMatchObject({ ...CLEAN_END, stdout: 'ready\n' });
    expect(otlp.spans.map(({ name }) => name)).toEqual(['work']);
  });

  test('one that refuses the service is no reason to fail', async () => {
    const fake = await sidecar({ identities: [] });
    const { ended } = startService('ending.ts', {
      TALLYSTICK_SOCKET: fake.socketPath,
      OTEL_TRACES_EXPORTER: 'none',
      OTEL_METRICS_EXPORTER: 'none',
    });
    expect(await ended).toMatchObject(CLEAN_END);
  });

  test('one that starts later is found, and spans from then on carry the identity', async () => {
    const otlp = await collector();
    const folder = mkdtempSync(join(tmpdir(), 'register-'));
    stops.push(() => rmSync(folder, { recursive: true }));
    const socketPath = join(folder, 'api.sock');
    const service = startService(
      'http-service.ts',
      { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint, TALLYSTICK_SOCKET: socketPath },
      ['known'],
    );
    await service.printed('no sidecar yet');
    await sidecar({}, socketPath);
    expect(await service.ended).toMatchObject(CLEAN_END);
    expect(otlp.spans.map(({ attributes }) => attributes['tallystick.identity.id'])).toEqual(
      Array(12).fill(CLOSE_BATCH.id),
    );
  });
});

describe('without a collector', () => {
  test('nobody at the address: the service ends as it would', async () => {
    const { ended } = startService('ending.ts', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', ...NEVER });
    expect(await ended).toMatchObject({ ...CLEAN_END, stdout: 'ready\n' });
  });

  test('one that answers nothing delays the end by a moment, not by its timeout', async () => {
    const otlp = await collector(() => undefined);
    const { ended } = startService('ending.ts', { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint, ...NEVER });
    expect(await ended).toMatchObject(CLEAN_END);
    expect(otlp.spans.map(({ name }) => name)).toContain('work');
  });

  test('one that is to be tried again does not keep a service that is done', async () => {
    const otlp = await collector((response) => response.writeHead(503, { 'retry-after': '500' }).end());
    const service = startService(
      'ending.ts',
      { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint, OTEL_BSP_SCHEDULE_DELAY: '1', ...NEVER },
      ['input'],
    );
    await otlp.until(() => otlp.spans.length > 0);
    service.process.stdin.end('now\n');
    expect(await service.ended).toMatchObject(CLEAN_END);
  });
});

describe('the end of a program is its own', () => {
  test.each([
    ['exit code', 7],
    ['process.exit', 3],
    ['throw', 1],
    ['unsettled', 13],
  ])('%s: the exit code is %i, as without telemetry', async (how, code) => {
    const otlp = await collector();
    const { ended } = startService('ending.ts', { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint }, [how]);
    expect(await ended).toMatchObject({ code, signal: null });
  });

  test('no timer and no connection of register holds it', async () => {
    const { ended } = startService('ending.ts', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }, ['idle']);
    expect(await ended).toMatchObject({ ...CLEAN_END, stdout: 'held by \nready\n' });
  });

  test('what it starts when it is about to end is not cut off', async () => {
    const { ended } = startService('ending.ts', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }, [
      'more at the end',
    ]);
    expect(await ended).toMatchObject({ ...CLEAN_END, stdout: 'ready\nmore\nmore\n' });
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('it dies of %s, and its spans are exported before', async (signal) => {
    const otlp = await collector();
    const service = startService('ending.ts', { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint }, ['wait']);
    await service.printed('ready');
    service.process.kill(signal);
    expect(await service.ended).toMatchObject({ code: null, signal, stderr: '' });
    expect(otlp.spans.map(({ name }) => name)).toEqual(['work']);
  });

  test('a program that handles SIGTERM ends as it likes, and what it does last is exported too', async () => {
    const otlp = await collector();
    const service = startService('ending.ts', { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint }, ['handle']);
    await service.printed('ready');
    service.process.kill('SIGTERM');
    expect(await service.ended).toMatchObject({ code: 5, signal: null, stderr: '' });
    expect(otlp.spans.map(({ name }) => name)).toEqual(['work', 'shutting down']);
  });

  test('it dies of SIGTERM also when the collector answers nothing', async () => {
    const otlp = await collector(() => undefined);
    const service = startService('ending.ts', { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint, ...NEVER }, ['wait']);
    await service.printed('ready');
    service.process.kill('SIGTERM');
    expect(await service.ended).toMatchObject({ code: null, signal: 'SIGTERM' });
  });
});
