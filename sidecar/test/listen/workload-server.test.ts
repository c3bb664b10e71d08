import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Agent, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { TallystickError } from '@tallystick/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Peer } from '../../src/listen/peer.ts';
import { createWorkloadServer } from '../../src/listen/workload-server.ts';
import { eventually } from './eventually.ts';
import { isRoot, startProcess } from './other-process.ts';
import { serveWorkloads } from './served-workloads.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { ask, dial, readRaw } from './unix-client.ts';

const ok = (_: unknown, response: ServerResponse): void => void response.end('ok');

describe('the handler', () => {
  test('is given the peer of the connection, the same for each of its requests', async () => {
    const peers: Peer[] = [];
    const { path } = await serveWorkloads((_, response, peer) => {
      peers.push(peer);
      response.end();
    });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    await ask(path, { agent });
    await ask(path, { agent });
    await ask(path);
    const own = { socket: 'app', uid: process.geteuid!(), gid: process.getegid!(), pid: process.pid };
    expect(peers).toEqual([expect.objectContaining(own), expect.objectContaining(own), expect.objectContaining(own)]);
    expect(peers[1]).toBe(peers[0]);
    expect(peers[2]).not.toBe(peers[0]);
  });

  test.runIf(isRoot)('is given the user of another process, and the name of the socket it came by', async () => {
    const folder = temporaryFolder();
    const seen: string[] = [];
    const server = createWorkloadServer({
      sockets: ['app', 'batch'].map((name) => ({ name, path: join(folder, `${name}.sock`), mode: 0o666 })),
      issuer: 'https://tallystick.acme.example',
      handler(_, response, peer) {
        seen.push(`${peer.socket} ${peer.uid}`);
        response.end();
      },
      failed: () => {},
    });
    onTestFinished(() => server.stop(0));
    expect(await server.start()).toHaveLength(2);
    for (const [name, uid] of [
      ['app', 1001],
      ['batch', 1002],
    ] as const) {
      const other = startProcess(
        `require('node:http').get({ socketPath: args[0], path: '/' }, (answer) => { say('' + answer.statusCode); answer.resume() });`,
        { uid, args: [join(folder, `${name}.sock`)] },
      );
      expect(await other.hear()).toBe('200');
      await other.ended;
    }
    expect(seen).toEqual(['app 1001', 'batch 1002']);
  });

  test('that throws a TallystickError answers it in the OAuth shape', async () => {
    const { path, failures } = await serveWorkloads(() => {
      throw new TallystickError('rate_limited', 'too many', { retryAfterMs: 1_500 });
    });
    const { status, headers, json } = await ask(path);
    expect(status).toBe(429);
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'retry-after': '2',
    });
    expect(json).toMatchObject({
      error: 'temporarily_unavailable',
      error_description: 'too many',
      code: 'rate_limited',
      retryable: true,
    });
    expect(failures).toEqual([]);
  });

  test('that fails otherwise answers 500 and tells the log alone', async () => {
    const { path, failures } = await serveWorkloads(async () => {
      throw new Error('the canary');
    });
    const { status, body } = await ask(path);
    expect(status).toBe(500);
    expect(body).not.toContain('canary');
    expect(failures).toEqual([expect.objectContaining({ message: 'the canary' })]);
    expect((await ask(path)).status).toBe(500); // It serves on.
  });

  test('that fails after it began its answer cuts it off', async () => {
    const { path } = await serveWorkloads((_, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('half');
      throw new Error('late');
    });
    await expect(ask(path)).rejects.toThrow(/aborted|hang up/);
  });
});

describe('refused before the handler', () => {
  test.each([
    ['Origin', { origin: 'https://evil.example' }, 403, 'forwarded_refused'],
    ['X-Forwarded-For', { 'x-forwarded-for': '192.0.2.1' }, 403, 'forwarded_refused'],
    ['another host', { host: 'evil.example' }, 403, 'host_refused'],
    ['a body that is announced too large', { 'content-length': '65537' }, 413, 'body_too_large'],
    ['an unknown expectation', { expect: 'the unexpected' }, 400, 'invalid_request'],
  ])('%s', async (_, headers, status, code) => {
    let handled = 0;
    const refusals: unknown[] = [];
    const { path, server } = await serveWorkloads(() => void handled++, {
      refused: (reason, peer) => refusals.push([reason, peer?.pid]),
    });
    const answer = await ask(path, { method: 'POST', target: '/token', headers, body: 'x'.repeat(65_537) });
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.json).toMatchObject({ code, remedy: expect.any(String) as string });
    expect(handled).toBe(0);
    expect(refusals).toEqual([[code, process.pid]]);
    expect(server.counts().refused.get(code as 'host_refused')).toBe(1);
  });

  test('a message is never taken for two: duplicates reach the handler joined', async () => {
    let seen: unknown;
    const { path } = await serveWorkloads((request, response) => {
      seen = [request.headers.dpop, request.headers.authorization];
      response.end();
    });
    await dial(
      path,
      'GET /jwks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nDPoP: a\r\nDPoP: b\r\nAuthorization: c\r\nAuthorization: d\r\n\r\n',
    ).closed;
    expect(seen).toEqual(['a, b', 'c, d']);
  });
});

describe('a message that is not HTTP is answered in the OAuth shape, and its connection closed', () => {
  const head = 'POST /token HTTP/1.1\r\nHost: localhost\r\n';
  test.each([
    ['noise', '\x16\x03\x01\x02\x00\x01\x00\x01', 400, 'invalid_request'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'invalid_request'],
    ['a header without a colon', `${head}nonsense\r\n\r\n`, 400, 'invalid_request'],
    ['a bare line feed', 'GET /jwks HTTP/1.1\nHost: localhost\n\n', 400, 'invalid_request'],
    ['two lengths', `${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`, 400, 'invalid_request'],
    [
      'a length and a transfer coding',
      `${head}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
      'invalid_request',
    ],
    [
      'a transfer coding that does not end in chunked',
      `${head}Transfer-Encoding: chunked, gzip\r\n\r\n`,
      400,
      'invalid_request',
    ],
    ['a chunk of no size', `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 400, 'invalid_request'],
    ['a folded header', `${head}X-A: b\r\n c\r\n\r\n`, 400, 'invalid_request'],
    ['no host', 'GET /jwks HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'invalid_request'],
    [
      'two hosts',
      'GET /jwks HTTP/1.1\r\nConnection: close\r\nHost: localhost\r\nHost: localhost\r\n\r\n',
      403,
      'host_refused',
    ],
    ['HTTP/1.0', 'GET /jwks HTTP/1.0\r\nHost: localhost\r\n\r\n', 400, 'invalid_request'],
    ['CONNECT', 'CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n', 405, 'method_not_allowed'],
    ['a header beyond 16 KiB', `${head}X-A: ${'a'.repeat(20_000)}\r\n\r\n`, 413, 'body_too_large'],
    ['more than 64 fields', `${head}Connection: close\r\n${'X-A: b\r\n'.repeat(63)}\r\n`, 413, 'body_too_large'],
    [
      'chunk extensions beyond 16 KiB',
      `${head}Transfer-Encoding: chunked\r\n\r\n1;a=${'a'.repeat(20_000)}\r\n`,
      413,
      'body_too_large',
    ],
  ])('%s', async (_, bytes, status, code) => {
    const { path } = await serveWorkloads(async (request, response) => {
      for await (const chunk of request) void chunk;
      response.end('ok');
    });
    const answer = readRaw(await dial(path, bytes).closed);
    expect(answer.status).toBe(status);
    expect(answer.head).toMatch(/content-type: application\/json/);
    expect(answer.json).toMatchObject({ code, error: expect.any(String) as string });
  });

  test('what comes after a refusal that closes the connection is not answered', async () => {
    const { path } = await serveWorkloads(ok);
    const refused = 'GET /jwks?a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
    const answers = await dial(path, `${refused}nonsense\r\n\r\n`).closed;
    expect(answers.split('HTTP/1.1 ')).toHaveLength(2);
    expect(readRaw(answers).json).toMatchObject({ error_description: 'no route takes a query' });
  });

  test('an answer to a later message is not given in the place of one that is still awaited', async () => {
    let finish: (() => void) | undefined;
    const { path } = await serveWorkloads((_, response) => {
      finish = () => void response.end('the first');
    });
    const { closed } = dial(path, 'GET /jwks HTTP/1.1\r\nHost: localhost\r\n\r\n\x00\x00nonsense\r\n\r\n');
    expect(await closed).toBe('');
    expect(finish).toBeDefined();
  });
});

describe('counts', () => {
  test('go back to nothing when every client has left, whatever it left open', async () => {
    const begun: (() => void)[] = [];
    const { path, server } = await serveWorkloads(() => begun.shift()?.());
    const third = new Promise<void>((resolve) =>
      begun.push(
        () => {},
        () => {},
        resolve,
      ),
    );
    const request = 'GET /jwks HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const { socket } = dial(path, request + request + request); // Pipelined: the handler has all three at once.
    await third;
    expect(server.counts()).toMatchObject({ inFlight: 3, connections: 1 });
    socket.destroy();
    await eventually(() => server.counts()).toMatchObject({ inFlight: 0, connections: 0, requests: 3 });
  });

  test('of a body that was not read are right too', async () => {
    const { path, server } = await serveWorkloads(ok);
    expect((await ask(path, { method: 'POST', body: 'x'.repeat(60_000) })).body).toBe('ok');
    await eventually(() => server.counts().inFlight).toBe(0);
  });
});

test('a start that cannot show one socket shows none', async () => {
  const folder = temporaryFolder();
  const taken = createWorkloadServer({
    sockets: [{ name: 'b', path: join(folder, 'b.sock'), mode: 0o666 }],
    issuer: 'https://tallystick.acme.example',
    handler: ok,
    failed: () => {},
  });
  await taken.start();
  onTestFinished(() => taken.stop(0));
  const server = createWorkloadServer({
    sockets: ['a', 'b'].map((name) => ({ name, path: join(folder, `${name}.sock`), mode: 0o666 })),
    issuer: 'https://tallystick.acme.example',
    handler: ok,
    failed: () => {},
  });
  await expect(server.start()).rejects.toThrow(expect.objectContaining({ code: 'socket_in_use' }));
  expect(existsSync(join(folder, 'a.sock'))).toBe(false);
  expect((await ask(join(folder, 'b.sock'))).body).toBe('ok');
});

test('the peer of a connection that closes at once does no harm', async () => {
  const { path, failures } = await serveWorkloads(ok);
  for (let i = 0; i < 50; i++) {
    const socket = connect(path);
    await once(socket, 'connect');
    socket.destroy();
  }
  expect((await ask(path)).body).toBe('ok');
  expect(failures).toEqual([]);
});
