import { once } from 'node:events';
import { Agent, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { holdOpen } from '../../src/listen/exchanges.ts';
import { eventually } from './eventually.ts';
import { isRoot, startProcess } from './other-process.ts';
import { serveWorkloads } from './served-workloads.ts';
import { ask, dial, readRaw } from './unix-client.ts';

const ok = (_: unknown, response: ServerResponse): void => void response.end('ok');
const GET = 'GET /jwks HTTP/1.1\r\nHost: localhost\r\n\r\n';

async function open(path: string): Promise<Socket> {
  const socket = connect(path);
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

test('a thousand connections at once are all served, and leave nothing behind', async () => {
  const { path, server } = await serveWorkloads(ok);
  const sockets = await Promise.all(Array.from({ length: 1_000 }, () => open(path)));
  await eventually(() => server.counts().connections).toBe(1_000);
  const answers = await Promise.all(
    sockets.map(async (socket) => {
      socket.write(GET);
      const [data] = (await once(socket, 'data')) as [Buffer];
      return data.toString().slice(0, 15);
    }),
  );
  expect(new Set(answers)).toEqual(new Set(['HTTP/1.1 200 OK']));
  for (const socket of sockets) socket.destroy();
  await eventually(() => server.counts().connections).toBe(0);
  expect(server.counts()).toMatchObject({ requests: 1_000, inFlight: 0 });
});

test('a thousand requests at once from one process are all served', async () => {
  const waiting: ServerResponse[] = [];
  const { path } = await serveWorkloads((_, response) => {
    waiting.push(response);
    if (waiting.length === 1_000) for (const each of waiting) each.end('ok');
  });
  const agent = new Agent({ maxSockets: Infinity });
  const answers = await Promise.all(Array.from({ length: 1_000 }, () => ask(path, { agent })));
  expect(answers.every(({ body }) => body === 'ok')).toBe(true);
});

describe('beyond the limits', () => {
  test('a connection is answered with 503 and closed, and one that closes makes room', async () => {
    const { path, server } = await serveWorkloads(ok, { limits: { connections: 2 } });
    const first = await open(path);
    await open(path);
    const refused = readRaw(await dial(path).closed);
    expect(refused).toMatchObject({ status: 503, json: { code: 'overloaded', retryable: true } });
    expect(refused.head).toMatch(/retry-after: 1/);
    expect(server.counts().refused.get('connection_limit')).toBe(1);
    first.destroy();
    await eventually(() => server.counts().connections).toBe(1);
    expect((await ask(path)).body).toBe('ok');
  });

  test.each([
    ['of all', { requests: 1 }],
    ['of one client', { requestsPerClient: 1 }],
  ])('%s a request is answered with 503, and the connection goes on', async (_, limits) => {
    let finish: (() => void) | undefined;
    const { path } = await serveWorkloads(
      (request, response) => {
        if (request.url === '/slow') finish = () => void response.end('slow');
        else response.end('ok');
      },
      { limits },
    );
    const slow = ask(path, { target: '/slow' });
    await eventually(() => finish).toBeDefined();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    expect(await ask(path, { agent })).toMatchObject({
      status: 503,
      json: { code: 'overloaded' },
      headers: { 'retry-after': '1' },
    });
    expect(await ask(path, { method: 'POST', body: 'x', agent })).toMatchObject({
      status: 503,
      headers: { connection: 'keep-alive' },
    });
    finish!();
    expect((await slow).body).toBe('slow');
    expect((await ask(path, { agent })).body).toBe('ok');
  });

  test('event streams take no place of requests', async () => {
    const { path, server } = await serveWorkloads(
      (request, response) => {
        if (request.url !== '/v1/events') return void response.end('ok');
        response.writeHead(200).flushHeaders();
        holdOpen(response);
      },
      { limits: { requests: 1 } },
    );
    for (let i = 0; i < 5; i++) await dial(path, GET.replace('/jwks', '/v1/events')).until('200 OK');
    expect(server.counts()).toMatchObject({ streams: 5, inFlight: 0 });
    expect((await ask(path)).body).toBe('ok');
  });

  test('of strangers, they are refused alone, and one that leaves makes room', async () => {
    let isStranger = true;
    const { path, server } = await serveWorkloads(ok, { limits: { strangers: 2 }, isStranger: () => isStranger });
    await eventually(() => server.counts().connections).toBe(0); // That of its own test.
    const first = await open(path);
    await open(path);
    await eventually(() => server.counts().connections).toBe(2);
    expect(readRaw(await dial(path).closed)).toMatchObject({ status: 503, json: { code: 'overloaded' } });
    isStranger = false;
    for (let service = 0; service < 5; service++) await open(path);
    await eventually(() => server.counts().connections).toBe(7);
    isStranger = true;
    expect(readRaw(await dial(path).closed).status).toBe(503);
    first.destroy();
    await eventually(() => server.counts().connections).toBe(6);
    await dial(path, GET).until('200 OK');
  });

  test.each([
    ['of all', { strangers: 1 }],
    ['of one', { strangersPerClient: 1 }],
  ])('%s strangers, requests on one connection are refused too', async (_, limits) => {
    const waiting: ServerResponse[] = [];
    const served = await serveWorkloads((_request, response) => void waiting.push(response), {
      limits,
      isStranger: () => true,
    });
    await eventually(() => served.server.counts().connections).toBe(0); // That of its own test.
    const pipelining = dial(served.path, GET + GET);
    await eventually(() => served.server.counts().refused.get('overloaded')).toBe(1);
    waiting[0]!.end('ok');
    await pipelining.until('503');
    expect(waiting).toHaveLength(1);
  });

  test.runIf(isRoot)('of one user, another is still served', async () => {
    const { path } = await serveWorkloads(ok, { limits: { connectionsPerClient: 2 } });
    await open(path);
    await open(path);
    expect(readRaw(await dial(path).closed).status).toBe(503);
    const other = startProcess(
      `require('node:http').get({ socketPath: args[0], path: '/' }, (answer) => { say('' + answer.statusCode); answer.resume() });`,
      { uid: 1001, args: [path] },
    );
    expect(await other.hear()).toBe('200');
    await other.ended;
  });
});
