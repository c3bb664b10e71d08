// Clients that a daemon has to live with: slow ones, half-open ones, very many, and those that are no workloads.
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { ISSUER, startDaemon, type Daemon } from '../daemon/daemon.ts';
import { overSocket, socketClient } from '../daemon/socket-client.ts';

let daemon: Daemon;
beforeAll(async () => {
  daemon = await startDaemon();
});
afterAll(() => daemon[Symbol.asyncDispose]());

const openFiles = (): number => readdirSync(`/proc/${daemon.pid}/fd`).length;

/** Opens a connection, says `begin` and no more; resolves when it is open. */
function open(begin: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(daemon.socket, () => {
      socket.write(begin);
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

const answered = (socket: Socket): Promise<string> => {
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return new Promise((resolve) => socket.once('close', () => resolve(text)));
};

const BEGINNINGS = [
  '',
  'POST /tok',
  'POST /token HTTP/1.1\r\nHost: localhost\r\n',
  'POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\ngrant',
];

test(
  'a thousand connections that say nothing whole keep nobody from a token, and leave nothing open',
  { timeout: 60_000 },
  async () => {
    const client = await socketClient(daemon.socket);
    await client.token();
    const before = openFiles();
    const idle = await Promise.all(Array.from({ length: 1000 }, (_, i) => open(BEGINNINGS[i % BEGINNINGS.length]!)));
    onTestFinished(() => idle.forEach((socket) => socket.destroy()));
    // Of the files open before, a few may have been open for that moment alone.
    await expect.poll(openFiles, { timeout: 10_000 }).toBeGreaterThanOrEqual(before + 990);
    expect((await client.token()).status).toBe(200);
    for (const socket of idle) socket.destroy();
    await expect.poll(openFiles, { timeout: 10_000 }).toBeLessThan(before + 20);
  },
);

test('clients that stop in the middle are answered in words, and cut', { timeout: 60_000 }, async () => {
  const answers = await Promise.all(BEGINNINGS.slice(1).map(async (begin) => answered(await open(begin))));
  for (const answer of answers) {
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as unknown;
    expect(body).toMatchObject({ error: expect.any(String) as string, remedy: expect.any(String) as string });
  }
  expect((await (await socketClient(daemon.socket)).token()).status).toBe(200);
});

test('a client that has closed its side for writing still gets its answer', async () => {
  const socket = await open('');
  const answer = answered(socket);
  socket.end('GET /jwks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  expect(await answer).toMatch(/^HTTP\/1\.1 200 /);
});

test.each([
  ['Origin', { origin: 'https://evil.example' }],
  ['Origin of its own issuer', { origin: ISSUER }],
  ['Referer', { referer: 'https://evil.example/' }],
  ['Forwarded', { forwarded: 'for=192.0.2.1' }],
  ['X-Forwarded-For', { 'x-forwarded-for': '192.0.2.1' }],
  ['Via', { via: '1.1 proxy' }],
])('a request with %s is refused, whatever else it has', async (_, headers) => {
  const client = await socketClient(daemon.socket);
  await client.token();
  const form = { 'content-type': 'application/x-www-form-urlencoded', ...headers };
  const answer = await client.send('POST', '/token', form as Record<string, string>, 'grant_type=client_credentials');
  expect({ status: answer.status, code: answer.json().code }).toEqual({ status: 403, code: 'forwarded_refused' });
});

test.each(['evil.example', '127.0.0.1', 'localhost.evil.example', 'tallystick.acme.example.evil.example'])(
  'a request for the host %s is refused on the socket',
  async (host) => {
    const answer = await overSocket(daemon.socket, 'GET', '/jwks', { host });
    expect({ status: answer.status, code: answer.json().code }).toEqual({ status: 403, code: 'host_refused' });
  },
);
