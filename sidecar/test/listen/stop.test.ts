import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Agent, type ServerResponse } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { holdOpen } from '../../src/listen/exchanges.ts';
import { createWorkloadServer } from '../../src/listen/workload-server.ts';
import { eventually } from './eventually.ts';
import { serveWorkloads } from './served-workloads.ts';
import { ask, dial } from './unix-client.ts';

const HEAD = 'GET /jwks HTTP/1.1\r\nHost: localhost\r\n';

describe('a stop', () => {
  test('takes the socket away at once, lets a request in flight finish, and closes its connection', async () => {
    let finish: (() => void) | undefined;
    const { path, server } = await serveWorkloads((_, response) => {
      finish = () => void response.end('done');
    });
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const answer = ask(path, { agent });
    await eventually(() => finish).toBeDefined();
    const stopped = server.stop(60_000);
    expect(existsSync(path)).toBe(false);
    await expect(ask(path)).rejects.toThrow(/ENOENT/);
    finish!();
    expect(await answer).toMatchObject({ body: 'done', headers: { connection: 'close' } });
    await stopped;
    expect(server.counts()).toMatchObject({ connections: 0, inFlight: 0 });
  });

  test('answers the first request of a client that had only just connected', async () => {
    const { path, server } = await serveWorkloads((_, response) => void response.end('ok'));
    const { socket, closed } = dial(path);
    await once(socket, 'connect');
    const stopped = server.stop(60_000);
    // Long enough for a stop that looks once; a client may need that to write.
    setTimeout(() => socket.write(`${HEAD}\r\n`), 10);
    expect(await closed).toMatch(/^HTTP\/1\.1 200 .*\r\nConnection: close\r\n/s);
    await stopped;
  });

  test('closes idle connections, silent ones too', async () => {
    const { path, server } = await serveWorkloads((_, response) => void response.end('ok'));
    const silent = dial(path);
    await once(silent.socket, 'connect');
    const idle = dial(path, `${HEAD}\r\n`);
    await idle.until('ok');
    await server.stop(60_000);
    await Promise.all([silent.closed, idle.closed]);
  });

  test('answers what the kernel had already queued', async () => {
    const { path, server } = await serveWorkloads((_, response) => void setTimeout(() => response.end('ok'), 50));
    const connections = Array.from({ length: 50 }, () => dial(path, `${HEAD}\r\n`));
    await Promise.all(connections.map(({ socket }) => once(socket, 'connect')));
    await server.stop(60_000);
    for (const { closed } of connections) expect(await closed).toMatch(/^HTTP\/1\.1 200 .*\r\nConnection: close\r\n/s);
  });

  test('answers what is not done by the deadline with "stopping"', async () => {
    let begun = false;
    const { path, server } = await serveWorkloads(() => void (begun = true));
    const answer = ask(path);
    await eventually(() => begun).toBe(true);
    await server.stop(50);
    expect(await answer).toMatchObject({
      status: 503,
      json: { code: 'stopping', retryable: true },
      headers: { connection: 'close' },
    });
  });

  test('cuts an answer that has begun and does not end by the deadline', async () => {
    const { path, server } = await serveWorkloads((_, response) => void response.write('half'));
    const { until, closed } = dial(path, `${HEAD}\r\n`);
    await until('half');
    await server.stop(50);
    expect(await closed).not.toMatch(/\r\n0\r\n\r\n$/); // The last chunk never came, so nobody takes it for whole.
  });

  test('ends event streams at once and whole', async () => {
    const { path, server } = await serveWorkloads((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(': hello\n\n');
      holdOpen(response);
    });
    const { until, closed } = dial(path, `${HEAD}\r\n`);
    await until('hello');
    await server.stop(60_000);
    expect(await closed).toMatch(/\r\n0\r\n\r\n$/);
  });

  test('ends a stream that opens while it goes on', async () => {
    let stream: (() => void) | undefined;
    const { path, server } = await serveWorkloads((_, response) => {
      stream = () => {
        response.writeHead(200).flushHeaders();
        holdOpen(response);
      };
    });
    const { closed } = dial(path, `${HEAD}\r\n`);
    await eventually(() => stream).toBeDefined();
    const stopped = server.stop(60_000);
    stream!();
    await stopped;
    expect(await closed).toMatch(/^HTTP\/1\.1 200 .*\r\n0\r\n\r\n$/s);
  });

  test('lets a client that is slow to read have its whole answer', async () => {
    const { path, server } = await serveWorkloads(
      (_, response: ServerResponse) => void response.end('x'.repeat(2_000_000)),
    );
    const { until, closed, socket } = dial(path, `${HEAD}\r\n`);
    await until('HTTP/1.1 200');
    socket.pause();
    const stopped = server.stop(60_000);
    setImmediate(() => socket.resume());
    expect((await closed).length).toBeGreaterThan(2_000_000);
    await stopped;
  });

  test('lets the next sidecar have the path before the last request is done', async () => {
    let finish: (() => void) | undefined;
    const { path, server } = await serveWorkloads((_, response) => {
      finish = () => void response.end('from the old');
    });
    const answer = ask(path);
    await eventually(() => finish).toBeDefined();
    const stopped = server.stop(60_000);
    const next = createWorkloadServer({
      sockets: [{ name: 'app', path, mode: 0o666 }],
      issuer: 'https://tallystick.acme.example',
      handler: (_, response) => void response.end('from the new'),
      failed: () => {},
    });
    await next.start();
    onTestFinished(() => next.stop(0));
    expect((await ask(path)).body).toBe('from the new');
    finish!();
    expect((await answer).body).toBe('from the old');
    await stopped;
    expect((await ask(path)).body).toBe('from the new');
  });

  test('without a deadline does not wait, even by a clock that stands still', async () => {
    let begun = false;
    const timers = { after: () => ({ cancel: () => {} }) };
    const { path, server } = await serveWorkloads(() => void (begun = true), { timers });
    const answer = ask(path);
    await eventually(() => begun).toBe(true);
    await server.stop(0);
    expect((await answer).json).toMatchObject({ code: 'stopping' });
  });

  test('of a server that never started, and a second one, end too', async () => {
    const { server } = await serveWorkloads((_, response) => void response.end());
    await server.stop(60_000);
    await server.stop(60_000);
  });
});
