import { copyFileSync, mkdirSync, readFileSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { connect as connectTcp, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import type { Timers } from '@tallystick/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { HttpListener } from '../../src/config/config.ts';
import { createTcpServer, type TcpServer, type TcpServerOptions } from '../../src/listen/tcp-server.ts';
import { readTlsPair, watchTlsPair, type TlsPair } from '../../src/listen/tls-files.ts';
import { eventually } from './eventually.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { readRaw } from './unix-client.ts';

const loopback: HttpListener = {
  host: '127.0.0.1',
  port: 0,
  hosts: ['127.0.0.1', 'jwks.acme.example:8480'],
  tls: undefined,
};
const fixture = (name: string): string => new URL(`tls/${name}`, import.meta.url).pathname;

async function serve(
  listener: HttpListener,
  options: Partial<TcpServerOptions> = {},
): Promise<{ server: TcpServer; address: AddressInfo }> {
  const server = createTcpServer({
    listener,
    kind: 'public',
    handler: (request, response) =>
      void response.setHeader('content-type', 'text/plain').end(`${request.method} ${request.url}`),
    failed: () => {},
    ...options,
  });
  const address = await server.start();
  onTestFinished(() => server.stop(0));
  return { server, address };
}

function get(
  address: AddressInfo,
  options: { method?: string; path?: string; headers?: Record<string, string>; body?: string; ca?: boolean } = {},
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: string }> {
  const { method = 'GET', path = '/jwks', headers = {}, body, ca } = options;
  const send = ca ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const agent = ca ? { agent: new Agent({ maxCachedSessions: 0 }), rejectUnauthorized: false } : {};
    const outgoing = send(
      { host: address.address, port: address.port, method, path, headers, ...agent },
      (response) => {
        let text = '';
        response
          .on('data', (chunk) => (text += chunk))
          .on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body: text }));
      },
    );
    outgoing.on('error', reject).end(body);
  });
}

describe('the public listener', () => {
  test('answers GET and HEAD for its own hosts', async () => {
    const { address } = await serve(loopback);
    expect(await get(address)).toMatchObject({ status: 200, body: 'GET /jwks' });
    expect(await get(address, { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
    expect((await get(address, { headers: { host: 'jwks.acme.example:8480' } })).status).toBe(200);
  });

  test.each([
    ['another host', { headers: { host: 'evil.example' } }, 403, 'host_refused'],
    ['its host with another port', { headers: { host: 'jwks.acme.example:1' } }, 403, 'host_refused'],
    ['POST', { method: 'POST', body: '' }, 405, 'method_not_allowed'],
    ['DELETE', { method: 'DELETE' }, 405, 'method_not_allowed'],
    ['a query', { path: '/jwks?a' }, 400, 'invalid_request'],
    ['a body', { method: 'GET', headers: { 'content-length': '1' }, body: 'a' }, 413, 'body_too_large'],
  ])('refuses %s', async (_, options, status, code) => {
    const { address } = await serve(loopback);
    const answer = await get(address, options);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toMatchObject({ code });
    if (status === 405) expect(answer.headers['allow']).toBe('GET, HEAD');
  });

  test('may stand behind a proxy', async () => {
    const { address } = await serve(loopback);
    expect((await get(address, { headers: { 'x-forwarded-for': '192.0.2.1', via: '1.1 lb' } })).status).toBe(200);
  });

  test.each(['0.0.0.0', '::', '192.0.2.1', 'localhost'])('without a certificate does not listen on %s', (host) => {
    expect(() =>
      createTcpServer({ listener: { ...loopback, host }, kind: 'public', handler: () => {}, failed: () => {} }),
    ).toThrow(expect.objectContaining({ code: 'listen_failed' }));
  });

  test('names a port that is taken', async () => {
    const { address } = await serve(loopback);
    const again = createTcpServer({
      listener: { ...loopback, port: address.port },
      kind: 'public',
      handler: () => {},
      failed: () => {},
    });
    await expect(again.start()).rejects.toThrow(/"public" cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE/);
  });

  test('answers what is not HTTP', async () => {
    const { address } = await serve(loopback);
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connectTcp(address.port, address.address, () => void socket.write('\x16\x03\x01\r\n\r\n'));
      socket.on('data', (chunk) => (text += chunk.toString('latin1'))).on('close', () => resolve(text));
    });
    expect(readRaw(answer)).toMatchObject({ status: 400, json: { code: 'invalid_request' } });
  });
});

describe('the health listener', () => {
  test('answers any host and ignores a query', async () => {
    const { address } = await serve({ ...loopback, hosts: undefined }, { kind: 'health' });
    expect(await get(address, { path: '/metrics?name=a', headers: { host: '10.1.2.3:8481' } })).toMatchObject({
      status: 200,
    });
    expect((await get(address, { method: 'POST' })).status).toBe(405);
  });

  test('may listen on every address', async () => {
    const { address } = await serve({ ...loopback, host: '0.0.0.0', hosts: undefined }, { kind: 'health' });
    expect((await get({ ...address, address: '127.0.0.1' }, { path: '/livez' })).status).toBe(200);
  });
});

/** Common name of the certificate that is served. */
function served(address: AddressInfo): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: address.address, port: address.port, rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject['CN']));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe('with a certificate', () => {
  function pair(folder: string, name: string): { certificate: string; key: string } {
    const tls = { certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
    copyFileSync(fixture(`${name}.crt`), tls.certificate);
    copyFileSync(fixture(`${name}.key`), tls.key);
    return tls;
  }

  test('listens beyond loopback, and counts and refuses as without', async () => {
    const tls = pair(temporaryFolder(), 'first');
    const { address } = await serve({ ...loopback, host: '0.0.0.0', tls });
    const local = { ...address, address: '127.0.0.1' };
    expect(await get(local, { ca: true })).toMatchObject({ status: 200, body: 'GET /jwks' });
    expect((await get(local, { ca: true, method: 'POST' })).status).toBe(405);
    await expect(get(local)).rejects.toThrow(/ECONNRESET|hang up/); // Plain HTTP is no handshake.
    expect((await get(local, { ca: true })).status).toBe(200);
  });

  test('a new one is taken as its files are replaced, one after the other', async () => {
    const folder = temporaryFolder();
    const tls = pair(folder, 'first');
    const failures: unknown[] = [];
    const { address } = await serve({ ...loopback, tls }, { failed: (error) => failures.push(error) });
    expect(await served(address)).toBe('first.test');
    pair(folder, 'second');
    await eventually(() => served(address)).toBe('second.test');
  });

  test('a new one is taken as a mounted volume swaps its link', async () => {
    const folder = temporaryFolder();
    for (const name of ['first', 'second']) {
      mkdirSync(join(folder, name));
      pair(join(folder, name), name);
    }
    symlinkSync('first', join(folder, '..data'));
    for (const file of ['tls.crt', 'tls.key']) symlinkSync(join('..data', file), join(folder, file));
    const { address } = await serve({
      ...loopback,
      tls: { certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key') },
    });
    expect(await served(address)).toBe('first.test');
    symlinkSync('second', join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    await eventually(() => served(address)).toBe('second.test');
  });

  test('one that cannot be used is told, and the one before stays', async () => {
    const folder = temporaryFolder();
    const tls = pair(folder, 'first');
    const failures: unknown[] = [];
    const { address } = await serve({ ...loopback, tls }, { failed: (error) => failures.push(error) });
    copyFileSync(fixture('second.key'), tls.key);
    await eventually(() => failures).toContainEqual(expect.objectContaining({ code: 'listen_failed' }));
    unlinkSync(tls.key);
    expect(await served(address)).toBe('first.test');
    pair(folder, 'second');
    await eventually(() => served(address)).toBe('second.test');
  });

  test('one that is missing, torn or not its key’s ends the start, and no content is shown', () => {
    const folder = temporaryFolder();
    const tls = pair(folder, 'first');
    copyFileSync(fixture('second.key'), tls.key);
    expect(() => readTlsPair(tls)).toThrow(/one PEM chain and its own key/);
    writeFileSync(tls.key, '-----BEGIN PRIVATE KEY-----\ncanary\n');
    expect(() => readTlsPair(tls)).toThrow(
      expect.objectContaining({ code: 'listen_failed', message: expect.not.stringContaining('canary') as string }),
    );
    unlinkSync(tls.key);
    expect(() => readTlsPair(tls)).toThrow(/ENOENT/);
  });

  test('the files are read once they have been left alone, and a pair that is half replaced is not tried', async () => {
    const tls = pair(temporaryFolder(), 'first');
    const due: (() => void)[] = [];
    const timers: Timers = {
      after(_, callback) {
        due.push(callback);
        return { cancel: () => void due.splice(due.indexOf(callback), 1) };
      },
    };
    const changes: string[] = [];
    const failures: unknown[] = [];
    const on = { changed: ({ cert }: TlsPair) => changes.push(cert), failed: (error: unknown) => failures.push(error) };
    onTestFinished(watchTlsPair(tls, readTlsPair(tls), on, timers));
    copyFileSync(fixture('second.crt'), tls.certificate);
    await eventually(() => due.length).toBe(1);
    copyFileSync(fixture('second.key'), tls.key);
    due[0]!();
    expect(failures).toEqual([]);
    expect(changes).toEqual([readFileSync(fixture('second.crt'), 'utf8')]);
  });
});
