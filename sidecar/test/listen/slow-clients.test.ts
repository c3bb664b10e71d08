import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent } from 'node:http';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readBody } from '../../src/listen/body.ts';
import { answerError } from '../../src/listen/answer.ts';
import { holdOpen } from '../../src/listen/exchanges.ts';
import { eventually } from './eventually.ts';
import { serveWorkloads } from './served-workloads.ts';
import { ask, dial, readRaw } from './unix-client.ts';

const HEAD = 'POST /token HTTP/1.1\r\nHost: localhost\r\n';
/** For clients that are slow to send. */
const limits = { headerMs: 200, requestMs: 400 };
/** For the rest: they must have time to send, on a machine that is busy. */
const quiet = { idleMs: 100, stallMs: 600 };
const ok = (_: unknown, response: ServerResponse): void => void response.end('ok');

async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.end(await readBody(request, 65_536));
}

/** Writes a byte every few milliseconds until the other side closes. */
function drip(socket: Socket, bytes: string): void {
  let sent = 0;
  const timer = setInterval(() => {
    if (socket.destroyed) clearInterval(timer);
    else socket.write(bytes[sent++ % bytes.length]!);
  }, 20);
  onTestFinished(() => clearInterval(timer));
}

describe('a client that takes too long is cut, and answered where it waits for that', () => {
  test('with its first byte', async () => {
    const { path } = await serveWorkloads(ok, { limits });
    expect(readRaw(await dial(path).closed)).toMatchObject({
      status: 400,
      json: { error_description: 'the request did not arrive in time' },
    });
  });

  test('with its header, a byte at a time', async () => {
    const { path, server } = await serveWorkloads(ok, { limits });
    const { socket, closed } = dial(path, HEAD);
    drip(socket, 'X-A: b\r\n');
    await closed;
    expect(server.counts().refused.get('invalid_request')).toBe(1);
    await eventually(() => server.counts().connections).toBe(0);
  });

  test('with its body, a byte at a time, while the handler waits for it', async () => {
    const { path, server } = await serveWorkloads(echo, { limits });
    const { socket, closed } = dial(path, `${HEAD}Content-Length: 1000\r\n\r\n`);
    drip(socket, 'a');
    await closed;
    expect(server.counts().refused.get('invalid_request')).toBe(1);
    await eventually(() => server.counts()).toMatchObject({ inFlight: 0, connections: 0 });
  });

  test('with its body, of which nothing comes', async () => {
    const { path } = await serveWorkloads(echo, { limits });
    expect(readRaw(await dial(path, `${HEAD}Content-Length: 1000\r\n\r\n`).closed).status).toBe(400);
  });

  test('with a chunk that never ends', async () => {
    const { path } = await serveWorkloads(echo, { limits });
    expect(readRaw(await dial(path, `${HEAD}Transfer-Encoding: chunked\r\n\r\n3e8\r\nab`).closed).status).toBe(400);
  });

  test('with the rest of a body that was refused: it has its answer, and gets no second one', async () => {
    const { path, server } = await serveWorkloads(ok, { limits });
    const answers = await dial(path, `${HEAD}Content-Length: 70000\r\n\r\n`).closed;
    expect(readRaw(answers).status).toBe(413);
    expect(answers.split('HTTP/1.1 ')).toHaveLength(2);
    await eventually(() => server.counts().refused.get('invalid_request')).toBe(1);
    await eventually(() => server.counts().connections).toBe(0);
  });

  test('with the next request of its connection', async () => {
    const { path } = await serveWorkloads(ok, { limits: quiet });
    const { closed } = dial(path, `${HEAD}Content-Length: 0\r\n\r\n`);
    expect(await closed).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\nok$/s);
  });

  test('with reading its answer', async () => {
    const { path, server } = await serveWorkloads((_, response) => void response.end('x'.repeat(8_000_000)), {
      limits: quiet,
    });
    const { socket } = dial(path, `${HEAD}Content-Length: 0\r\n\r\n`);
    socket.pause();
    await eventually(() => server.counts().inFlight).toBe(1);
    await eventually(() => server.counts().inFlight).toBe(0);
    expect(server.counts().connections).toBe(0);
  });
});

test('a half-open client that ends in the middle of its header is answered', async () => {
  const { path } = await serveWorkloads(ok);
  const { socket, closed } = dial(path);
  socket.end(HEAD);
  expect(readRaw(await closed).status).toBe(400);
});

test('a half-open client that has said all gets its answer', async () => {
  const { path } = await serveWorkloads(echo);
  const { socket, closed } = dial(path);
  socket.end(`${HEAD}Content-Length: 2\r\n\r\nhi`);
  expect(await closed).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\nhi$/s);
});

test('a handler that works longer than any client may idle is left to work', async () => {
  const { path } = await serveWorkloads((_, response) => void setTimeout(() => response.end('late'), 900), {
    limits: quiet,
  });
  expect((await ask(path)).body).toBe('late');
});

test('an event stream stays open while it is read, however quiet', async () => {
  const { path, server } = await serveWorkloads(
    (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      holdOpen(response);
      setTimeout(() => response.write(': still here\n\n'), 900);
    },
    { limits: quiet },
  );
  const { until, socket } = dial(path, 'GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await until('still here');
  expect(server.counts()).toMatchObject({ inFlight: 0, streams: 1, connections: 1 });
  socket.destroy();
  await eventually(() => server.counts()).toMatchObject({ inFlight: 0, streams: 0, connections: 0 });
});

describe('a body', () => {
  test('of the largest size is read, and one byte more is refused, of a known length or not', async () => {
    const { path } = await serveWorkloads(echo);
    const chunked = { 'transfer-encoding': 'chunked' };
    for (const headers of [{}, chunked]) {
      expect((await ask(path, { method: 'POST', headers, body: 'x'.repeat(65_536) })).body).toHaveLength(65_536);
      const { status, json } = await ask(path, { method: 'POST', headers, body: 'x'.repeat(65_537) });
      expect([status, json['code']]).toEqual([413, 'body_too_large']);
    }
  });

  test('that is refused is read on, so that its sender gets the answer and may go on', async () => {
    const { path } = await serveWorkloads(echo);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const big = { method: 'POST', headers: { 'transfer-encoding': 'chunked' }, body: Buffer.alloc(900_000), agent };
    expect((await ask(path, big)).status).toBe(413);
    expect((await ask(path, { method: 'POST', body: 'again', agent })).body).toBe('again');
  });

  test.each(['chunked', 'length'])(
    'of whatever size that is refused, %s, resets no connection under a client that would use it again',
    async (framing) => {
      const { path, server } = await serveWorkloads(echo);
      const agent = new Agent({ keepAlive: true });
      onTestFinished(() => agent.destroy());
      for (const size of [300_000, 1_200_000, 3_000_000]) {
        const headers = framing === 'length' ? { 'content-length': String(size) } : { 'transfer-encoding': 'chunked' };
        const big = { method: 'POST', headers, body: Buffer.alloc(size), agent };
        const client = async (): Promise<void> => {
          for (let i = 0; i < 6; i++) {
            expect((await ask(path, big)).status).toBe(413);
            expect((await ask(path, { method: 'POST', body: 'again', agent })).body).toBe('again');
          }
        };
        await Promise.all(Array.from({ length: 8 }, client));
      }
      await eventually(() => server.counts().inFlight).toBe(0);
      expect([...server.counts().refused.keys()].filter((reason) => reason !== 'body_too_large')).toEqual([]);
    },
  );

  test('that is refused and never ends is cut', async () => {
    const { path } = await serveWorkloads(echo);
    const { socket, closed } = dial(path, `${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536), Buffer.from('\r\n')]);
    const flood = (): void => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', flood);
    flood();
    expect(readRaw(await closed).status).toBe(413);
    // It is told to stop, and writes on until it cannot.
    if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
    expect(socket.bytesWritten).toBeLessThan(8_000_000);
  });

  test('that its sender abandons fails for the handler', async () => {
    let failure: unknown;
    const { path } = await serveWorkloads(async (request, response) => {
      await readBody(request, 65_536).catch((error: unknown) => {
        failure = error;
        answerError(response, error);
      });
    });
    const { socket } = dial(path, `${HEAD}Content-Length: 10\r\n\r\nabc`);
    await once(socket, 'connect');
    setImmediate(() => socket.destroy());
    await eventually(() => failure).toMatchObject({
      code: 'invalid_request',
      description: 'the body ended before its length',
    });
  });

  test('that is not there is empty', async () => {
    const { path } = await serveWorkloads(echo);
    expect((await ask(path, { method: 'POST', headers: { 'content-length': '0' } })).body).toBe('');
    expect((await ask(path, { method: 'GET' })).body).toBe('');
  });

  test('is asked for only when its announcement is not refused', async () => {
    const { path } = await serveWorkloads(echo);
    const good = dial(path, `${HEAD}Expect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n`);
    await good.until('100 Continue');
    good.socket.write('hi');
    expect(await good.closed).toMatch(/\r\n\r\nhi$/);
    const bad = dial(path, `${HEAD}Expect: 100-continue\r\nContent-Length: 70000\r\n\r\n`);
    const refused = await bad.until('body_too_large');
    expect(refused).toMatch(/^HTTP\/1\.1 413 /);
    expect(refused).not.toContain('100 Continue');
  });
});
