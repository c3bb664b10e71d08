import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { send } from '../src/send.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function listen(listener: RequestListener): Promise<string> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`;
}

const shipment = {
  headers: { 'content-type': 'application/json' },
  body: Buffer.from('{}'),
  agent: undefined,
  timeoutMs: 60_000,
};

test('a batch arrives with its headers and length', async () => {
  const seen: unknown[] = [];
  const url = await listen((request, response) => {
    request.setEncoding('utf8');
    request.on('data', (data) =>
      seen.push(request.url, request.headers['content-type'], request.headers['content-length'], data),
    );
    request.on('end', () => response.end('{}'));
  });
  expect(await send({ url, ...shipment })).toEqual({ kind: 'accepted' });
  expect(seen).toEqual(['/v1/traces', 'application/json', '2', '{}']);
});

test.each([
  [200, undefined, { kind: 'accepted' }],
  [400, undefined, { kind: 'refused' }],
  [404, undefined, { kind: 'refused' }],
  [500, undefined, { kind: 'refused' }],
  [429, '3', { kind: 'later', afterMs: 3000 }],
  [503, undefined, { kind: 'later', afterMs: undefined }],
  [503, 'Wed, 21 Oct 2026 07:28:00 GMT', { kind: 'later', afterMs: undefined }],
])('OTLP/HTTP, Failures: %i with Retry-After %s is %j', async (status, retryAfter, outcome) => {
  const url = await listen((_, response) =>
    response.writeHead(status, retryAfter ? { 'retry-after': retryAfter } : {}).end(),
  );
  expect(await send({ url, ...shipment })).toEqual(outcome);
});

test('nobody at the address: it may work later', async () => {
  const free = createTcpServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => free.once('listening', resolve));
  const { port } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  expect(await send({ url: `http://127.0.0.1:${port}/`, ...shipment })).toEqual({ kind: 'later', afterMs: undefined });
});

test('no answer in time: it may work later', async () => {
  const url = await listen(() => undefined);
  expect(await send({ url, ...shipment, timeoutMs: 20 })).toEqual({ kind: 'later', afterMs: undefined });
});

test('an answer that breaks off counts by its status', async () => {
  const url = await listen((_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{', () => response.destroy());
  });
  expect(await send({ url, ...shipment })).toEqual({ kind: 'accepted' });
});
