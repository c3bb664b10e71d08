import type { ServerResponse } from 'node:http';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Identity } from '../src/identity.ts';
import type { ApiRequest, FakeApi } from './fake-api.ts';
import { identityFor } from './fake-sidecar.ts';
import { api, connected, sidecar } from './setup.ts';

/** An API with a credential for `/api/`, and another origin, covered by a credential of its own or by none. */
async function bench(): Promise<{ identity: Identity; server: FakeApi; other: FakeApi }> {
  const fake = await sidecar();
  const other = await api(fake);
  const server = await api(fake, '/api/');
  const [ledger] = identityFor([`${server.origin}/api/`]).credentials;
  const second = { ...ledger!, name: 'other', audience: 'https://other.example', use: [`${other.origin}/covered/`] };
  fake.options.identities = [identityFor([], { credentials: [ledger!, second] })];
  return { identity: await connected(fake), server, other };
}

/** Redirects by a query: `?to=<status>,<location>`, repeated; the last answer says what was received. */
function redirectByQuery({ path, method, body, headers }: ApiRequest, response: ServerResponse): true {
  const url = new URL(path, 'http://x');
  const [next, ...rest] = url.searchParams.getAll('to');
  if (next === undefined) {
    const { 'content-type': type, 'content-length': length } = headers;
    response.end(JSON.stringify({ method, body, path, type, length, own: headers['x-own'], cookie: headers.cookie }));
    return true;
  }
  const comma = next.indexOf(',');
  const target = new URL(next.slice(comma + 1), `http://${headers.host}`);
  for (const more of rest) target.searchParams.append('to', more);
  const location = target.host === headers.host ? target.pathname + target.search : target.href;
  response.writeHead(Number(next.slice(0, comma)), { location }).end();
  return true;
}

const carries = ({ headers }: ApiRequest): boolean => headers.authorization !== undefined || headers.dpop !== undefined;

describe('redirects end as those of global fetch do', () => {
  const bodies: (() => RequestInit)[] = [
    () => ({ method: 'GET' }),
    () => ({ method: 'HEAD' }),
    () => ({ method: 'POST', body: 'text' }),
    () => ({ method: 'PUT', body: new URLSearchParams({ a: '1' }) }),
    () => ({ method: 'PATCH', body: 'bytes', headers: { 'content-type': 'x/y' } }),
    () => ({ method: 'DELETE' }),
    () => ({ method: 'POST', body: new Blob(['s']).stream(), duplex: 'half' }),
  ];
  const outcome = async (call: () => Promise<Response>): Promise<unknown> => {
    try {
      const response = await call();
      return [response.status, response.redirected, new URL(response.url).search, await response.text()];
    } catch (error) {
      return [(error as Error).name, (error as Error).message];
    }
  };

  test.each([300, 301, 302, 303, 304, 307, 308])('%i', async (status) => {
    const { identity, server } = await bench();
    server.behave = redirectByQuery;
    for (const init of bodies) {
      const url = `${server.origin}/api/a?to=${status},/api/b`;
      const headers = { 'x-own': '1', cookie: 'c=1', ...(init().headers as Record<string, string>) };
      const expected = await outcome(() => fetch(url, { ...init(), headers }));
      expect(await outcome(() => identity.fetch(url, { ...init(), headers }))).toEqual(expected);
      const { body, ...rest } = init();
      if (body instanceof ReadableStream) continue;
      const request = (): Request => new Request(url, { ...rest, ...(body !== undefined && { body }), headers });
      expect(await outcome(() => identity.fetch(request()))).toEqual(await outcome(() => fetch(request())));
    }
  });

  test.each(['manual', 'error'] as const)('redirect: %s', async (redirect) => {
    const { identity, server } = await bench();
    server.behave = redirectByQuery;
    const url = `${server.origin}/api/a?to=302,/api/b`;
    const expected = await outcome(() => fetch(url, { redirect }));
    expect(await outcome(() => identity.fetch(url, { redirect }))).toEqual(expected);
    expect(await outcome(() => identity.fetch(new Request(url, { redirect })))).toEqual(expected);
  });

  test('a loop ends after twenty', async () => {
    const { identity, server } = await bench();
    server.behave = (_, response) => Boolean(response.writeHead(302, { location: '/api/again' }).end());
    await expect(identity.fetch(`${server.origin}/api/`)).rejects.toMatchObject({
      cause: { message: 'redirect count exceeded' },
    });
    expect(server.seen).toHaveLength(21);
  });

  test('each hop on the way has a proof of its own', async () => {
    const { identity, server } = await bench();
    server.behave = (request, response) =>
      request.path === '/api/a' && redirectByQuery({ ...request, path: '/api/a?to=307,/api/b' }, response);
    const response = await identity.fetch(`${server.origin}/api/a`, { method: 'POST', body: 'x' });
    expect(await response.json()).toMatchObject({ caller: identity.id, method: 'POST', body: 'x' });
    expect(new Set(server.seen.map(({ headers }) => headers.dpop)).size).toBe(2);
  });
});

describe('token and proof stay where they belong', () => {
  test('another origin gets neither, nor what the caller gave to authenticate, though a credential covers it', async () => {
    const { identity, server, other } = await bench();
    server.behave = other.behave = redirectByQuery;
    const headers = { cookie: 'c=1', 'proxy-authorization': 'p', 'x-own': '1' };
    await identity.fetch(`${server.origin}/api/?to=307,${other.origin}/covered/`, {
      headers,
      method: 'POST',
      body: 'x',
    });
    expect(other.seen).toHaveLength(1);
    expect(carries(other.seen[0]!)).toBe(false);
    expect(other.seen[0]!.headers).not.toHaveProperty('cookie');
    expect(other.seen[0]!.headers).not.toHaveProperty('proxy-authorization');
    expect(other.seen[0]!.headers['x-own']).toBe('1');
  });

  test('a redirect back to the first origin does not bring them back', async () => {
    const { identity, server, other } = await bench();
    server.behave = other.behave = redirectByQuery;
    await identity.fetch(`${server.origin}/api/?to=302,${other.origin}/&to=302,${server.origin}/api/end`);
    expect(server.seen.map(carries)).toEqual([true, false]);
  });

  test('the same origin outside of the prefix gets neither', async () => {
    const { identity, server } = await bench();
    server.behave = redirectByQuery;
    await identity.fetch(`${server.origin}/api/?to=302,/elsewhere&to=302,/api/end`);
    expect(server.seen.map((request) => [request.path.split('?')[0], carries(request)])).toEqual([
      ['/api/', true],
      ['/elsewhere', false],
      ['/api/end', true],
    ]);
  });

  test('wherever a chain leads, only covered URLs of the first origin get a token, and none after it was left', async () => {
    const { identity, server, other } = await bench();
    const log: { request: ApiRequest; own: boolean }[] = [];
    server.behave = (request, response) => (log.push({ request, own: true }), redirectByQuery(request, response));
    other.behave = (request, response) => (log.push({ request, own: false }), redirectByQuery(request, response));
    const place = fc.constantFrom(
      '/api/',
      '/api/x',
      '/apis',
      '/',
      '/api/../x',
      '/api/%2e%2e/x',
      '/api/..%2fx',
      '//',
      '\\\\',
    );
    const location = fc.tuple(fc.constantFrom('', server.origin, other.origin), place).map(([origin, path]) => {
      const doubled = path === '//' || path === '\\\\';
      return doubled ? path + new URL(other.origin).host : origin + path;
    });
    const hop = fc.tuple(fc.constantFrom(301, 302, 303, 307, 308), location).map(([status, to]) => `${status},${to}`);
    await fc.assert(
      fc.asyncProperty(fc.array(hop, { maxLength: 5 }), fc.boolean(), async (hops, posts) => {
        log.length = 0;
        const url = new URL('/api/start', server.origin);
        for (const to of hops) url.searchParams.append('to', to);
        await (await identity.fetch(url, posts ? { method: 'POST', body: 'x' } : {})).text();
        let left = false;
        for (const { request, own } of log) {
          left ||= !own;
          const path = request.path.split('?')[0]!;
          const covered = own && /^\/api(\/|$)/.test(path) && !/%2f|%5c|%2e/i.test(path);
          expect(carries(request)).toBe(covered && !left);
        }
      }),
      { numRuns: 100 },
    );
  });
});
