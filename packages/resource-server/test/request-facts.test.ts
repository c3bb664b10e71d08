import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, createServer as createServer2, type Http2ServerRequest } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { connect as connectRaw } from 'node:net';
import { describe, expect, test } from 'vitest';
import { readRequest, type RequestFacts } from '../src/request-facts.ts';

/** What a request looks like that came over a real socket in these bytes. */
async function overSocket(text: string): Promise<RequestFacts> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const socket = connectRaw((server.address() as AddressInfo).port, '127.0.0.1');
    socket.end(text);
    const [request, response] = (await once(server, 'request')) as Parameters<Parameters<typeof createServer>[1] & {}>;
    const facts = readRequest(request);
    response.end();
    return facts;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('a request of Node', () => {
  test('shows every header line, where "headers" hides the second Authorization and joins two DPoP', async () => {
    const facts = await overSocket(
      'PATCH /a%2Fb?c=d HTTP/1.1\r\nHost: one.example\r\nAuthorization: DPoP a\r\nAUTHORIZATION: DPoP b\r\n' +
        'dpop: p\r\nDPoP: q\r\nX-Forwarded-Host: x.example, y.example\r\nX-Forwarded-Host: z.example\r\n\r\n',
    );
    expect(facts).toEqual({
      method: 'PATCH',
      path: '/a%2Fb',
      host: ['one.example'],
      forwardedHost: ['x.example', 'y.example', 'z.example'],
      authorization: ['DPoP a', 'DPoP b'],
      dpop: ['p', 'q'],
    });
  });

  test('may have the absolute form, whose authority is not looked at (RFC 9112 §3.2.2)', async () => {
    const facts = await overSocket('GET http://evil.example/a?b HTTP/1.1\r\nHost: one.example\r\n\r\n');
    expect(facts).toMatchObject({ path: '/a', host: ['one.example'] });
  });

  test('may have the asterisk form, which is no path', async () => {
    expect((await overSocket('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n')).path).not.toMatch(/^\//);
  });

  test('keeps its whole path below a router that took a part off', () => {
    expect(readRequest({ method: 'GET', url: '/x', originalUrl: '/v1/x?y', rawHeaders: [] }).path).toBe('/v1/x');
  });

  test('may be one of HTTP/2, whose host is :authority', async () => {
    const server = createServer2();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {}, undefined);
    const stream = client.request({ ':path': '/a?b', ':authority': 'one.example', authorization: 'DPoP a', dpop: 'p' });
    stream.on('error', () => {});
    const [request] = (await once(server, 'request')) as [Http2ServerRequest];
    expect(readRequest(request)).toEqual({
      method: 'GET',
      path: '/a',
      host: ['one.example'],
      forwardedHost: [],
      authorization: ['DPoP a'],
      dpop: ['p'],
    });
    client.destroy();
    server.close();
  });
});

describe('a Web request', () => {
  test('has its host from its URL where it has no Host', () => {
    const facts = readRequest(new Request('https://one.example:8443/a%2Fb?c#d', { method: 'PUT' }));
    expect(facts).toMatchObject({ method: 'PUT', path: '/a%2Fb', host: ['one.example:8443'] });
  });

  test('has its joined header lines taken apart again', () => {
    const headers = new Headers([
      ['authorization', 'DPoP a'],
      ['authorization', 'DPoP b'],
      ['dpop', 'p'],
      ['dpop', 'q'],
      ['x-forwarded-host', 'x.example'],
      ['x-forwarded-host', 'y.example'],
    ]);
    expect(readRequest(new Request('https://one.example/', { headers }))).toMatchObject({
      path: '/',
      authorization: ['DPoP a', 'DPoP b'],
      dpop: ['p', 'q'],
      forwardedHost: ['x.example', 'y.example'],
    });
  });
});
