import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { NotSent } from '../../src/providers/not-sent.ts';
import { openUpstreamHttp } from '../../src/providers/upstream-http.ts';

async function errorOf(url: string): Promise<unknown> {
  const http = await openUpstreamHttp({ name: 'vault-eu' });
  onTestFinished(() => http.close());
  const sent = http.send({ method: 'POST', url, signal: AbortSignal.timeout(10_000) });
  return sent.catch((error: unknown) => error);
}

async function listening(server: Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test('a request that found nobody to take it never left', async () => {
  const server = createServer();
  const url = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  expect(await errorOf(url)).toBeInstanceOf(NotSent);
  expect(await errorOf('http://vault.invalid/')).toBeInstanceOf(NotSent);
});

test('of one whose connection ended before an answer, nobody knows what it did', async () => {
  const server = createServer((socket) => void socket.once('data', () => socket.destroy()));
  onTestFinished(() => void server.close());
  const error = await errorOf(await listening(server));
  expect(error).toMatchObject({ code: 'upstream_unavailable' });
  expect(error).not.toBeInstanceOf(NotSent);
});

test('a way to the upstream that is lost under a request is not one that was never there', async () => {
  const server = createServer();
  onTestFinished(() => void server.close());
  // As the kernel says it of a connection whose packets a router answers with "host unreachable" until it gives up.
  const lose = (message: unknown): void => {
    const lost = Object.assign(new Error('read EHOSTUNREACH'), { code: 'EHOSTUNREACH', syscall: 'read' });
    (message as { socket: Socket }).socket.destroy(lost);
  };
  subscribe('undici:client:sendHeaders', lose);
  onTestFinished(() => void unsubscribe('undici:client:sendHeaders', lose));
  const error = await errorOf(await listening(server));
  expect(error).toMatchObject({ code: 'upstream_unavailable', message: expect.stringContaining('EHOSTUNREACH') });
  expect(error).not.toBeInstanceOf(NotSent);
});
