// Requests that no client would send: proofs, tokens, headers, bodies, JSON and paths, bent at random.
import { connect as connectSocket } from 'node:net';
import { expect, test } from 'vitest';
import { startDaemon, type Daemon } from '../daemon/daemon.ts';
import { overSocket, socketClient, type SocketClient } from '../daemon/socket-client.ts';
import { SEED, seeded, times, tried } from './scale.ts';

const random = seeded(SEED);
const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;

const ROUTES = ['/token', '/v1/identity', '/v1/events', '/v1/leases/x', '/revoke', '/introspect', '/jwks', '/nope'];
const TEXTS = [
  '',
  ' ',
  '\u0000',
  '..',
  '%2e%2e',
  '%',
  'é',
  'a'.repeat(9000),
  '{}',
  '[]',
  'null',
  '-1',
  '"',
  '\\',
  '1e309',
  '__proto__',
];
const FORMS = ['grant_type', 'client_id', 'resource', 'scope', 'context', 'token'];
const VALUES = [
  ...TEXTS,
  'client_credentials',
  'spiffe://acme.example/x',
  '{"process":{"id":1}}',
  'https://ledger.acme.example',
];

/** Returns a text with a few characters cut, doubled, swapped or replaced. */
function bend(text: string): string {
  let bent = text;
  for (let i = 0; i < 1 + random() * 3; i++) {
    const at = Math.floor(random() * (bent.length + 1));
    const length = Math.floor(random() * 8);
    switch (Math.floor(random() * 4)) {
      case 0:
        bent = bent.slice(0, at) + bent.slice(at + length);
        break;
      case 1:
        bent = bent.slice(0, at) + bent.slice(at, at + length) + bent.slice(at);
        break;
      case 2:
        bent = bent.slice(0, at) + String.fromCharCode(33 + Math.floor(random() * 93)) + bent.slice(at + 1);
        break;
      default:
        bent = bent.slice(at) + bent.slice(0, at);
    }
  }
  return bent;
}

/** Returns a proof whose claims or header say something odd; its signature no longer fits. */
function oddProof(client: SocketClient, method: string, route: string): string {
  const proof = client.proof(method, route);
  const parts = proof.split('.');
  const which = pick([0, 1]);
  const members = JSON.parse(Buffer.from(parts[which]!, 'base64url').toString()) as Record<string, unknown>;
  const name = pick([...Object.keys(members), 'crit', 'nonce', 'ath', 'bth', 'd', 'alg', 'jwk']);
  members[name] = pick([...TEXTS, 0, -1, 1e300, null, true, [], {}, { kty: 'oct', k: 'AA' }, 'none', 'HS256', ['exp']]);
  parts[which] = Buffer.from(JSON.stringify(members)).toString('base64url');
  return parts.join('.');
}

async function malformed(daemon: Daemon, client: SocketClient): Promise<number> {
  const method = pick(['GET', 'POST', 'DELETE', 'PUT', 'HEAD', 'OPTIONS']);
  const route = random() < 0.8 ? pick(ROUTES) : `/${bend(pick(ROUTES)).replace(/[^\x21-\x7e]/g, '')}`;
  const headers: Record<string, string | string[]> = {};
  if (random() < 0.8) {
    headers.dpop = pick([
      () => client.proof(method, route),
      () => bend(client.proof(method, route)),
      () => oddProof(client, method, route),
      () => pick(TEXTS).replace(/[^\x20-\x7e]/g, '?'),
      () => [client.proof(method, route), client.proof(method, route)],
    ])();
  }
  if (random() < 0.2)
    headers['tallystick-identity'] = pick(VALUES)
      .replace(/[^\x20-\x7e]/g, '?')
      .slice(0, 500);
  if (random() < 0.1) headers.traceparent = bend('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
  if (random() < 0.1) headers[pick(['origin', 'forwarded', 'x-forwarded-for', 'via'])] = 'https://evil.example';
  if (random() < 0.1) headers.host = pick(['evil.example', '', 'localhost:99999', '[::1]']);
  const withBody = method === 'POST' || random() < 0.1;
  if (withBody) {
    headers['content-type'] = pick(['application/x-www-form-urlencoded', 'application/json', 'text/plain', 'x', '']);
  }
  const body = withBody
    ? pick([
        () =>
          Array.from({ length: 1 + random() * 6 }, () => `${pick(FORMS)}=${encodeURIComponent(pick(VALUES))}`).join(
            '&',
          ),
        () => bend('grant_type=client_credentials&resource=https%3A%2F%2Fledger.acme.example'),
        () => pick(TEXTS),
        () => 'a='.repeat(40_000),
      ])()
    : undefined;
  // An event stream would not end: it is asked for with a proof that does not hold.
  if (route === '/v1/events' && method === 'GET') headers.dpop = bend(client.proof('PUT', route));
  const answer = await overSocket(daemon.socket, method, route, headers, body).catch((cause: unknown) => {
    const asked = JSON.stringify({ method, route, headers, body: body?.slice(0, 200), length: body?.length });
    throw new Error(`no answer to ${asked}`, { cause });
  });
  if (answer.status >= 400 && method !== 'HEAD') {
    // Each refusal has the OAuth shape, with a code and a remedy.
    expect(Object.keys(answer.json())).toEqual(['error', 'error_description', 'code', 'remedy', 'retryable']);
  }
  return answer.status;
}

test(
  `no malformed request is answered with 5xx, and none ends the sidecar (seed ${SEED})`,
  { timeout: 900_000 },
  async () => {
    await using daemon = await startDaemon();
    const client = await socketClient(daemon.socket);
    await client.token();
    const statuses = new Map<number, number>();
    let left = times(1200, 10_000);
    tried('no malformed request is answered with 5xx, and none ends the sidecar', left);
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        while (left-- > 0) {
          const status = await malformed(daemon, client);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }
      }),
    );
    expect([...statuses.keys()].filter((status) => status >= 500)).toEqual([]);
    expect(daemon.log.filter(({ level }) => level === 'error')).toEqual([]);
    expect((await client.token()).status).toBe(200);
  },
);

test('bytes that are no HTTP are refused, and the sidecar goes on', { timeout: 60_000 }, async () => {
  await using daemon = await startDaemon();
  const lines = [
    'GET\r\n\r\n',
    'GET /jwks HTTP/9.9\r\n\r\n',
    'POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
    'POST /token HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n',
    `GET /jwks HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`,
    'GET http://evil.example/jwks HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'GET /jwks?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n',
    '\u0016\u0003\u0001\u0002\u0000\u0001',
    '\r\n\r\n\r\n\r\n',
    // What follows an answer that closes the connection gets no answer of its own.
    'OPTIONS /jwks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\nno request',
  ];
  for (const bytes of lines) {
    const answer = await new Promise<string>((resolve) => {
      const socket = connectSocket(daemon.socket);
      let text = '';
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('error', () => {});
      socket.on('close', () => resolve(text));
      socket.write(bytes, 'latin1');
      socket.end();
    });
    // Refused in words, or cut; never served.
    expect(answer).toMatch(/^$|^HTTP\/1\.1 4\d\d /);
    expect(answer.split('HTTP/1.1 ').length).toBeLessThanOrEqual(2);
  }
  expect((await overSocket(daemon.socket, 'GET', '/jwks')).status).toBe(200);
});
