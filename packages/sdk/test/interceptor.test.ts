import { Readable } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import * as undici8 from 'undici';
import * as undici7 from 'undici7';
import type { Identity } from '../src/identity.ts';
import type { FakeApi } from './fake-api.ts';
import { identityFor, type FakeSidecar } from './fake-sidecar.ts';
import { api, connected, sidecar } from './setup.ts';

const VERSIONS = { 'undici 7': undici7 as unknown as typeof undici8, 'undici 8': undici8 };

describe.each(Object.entries(VERSIONS))('%s', (name, undici) => {
  type Interceptors = Parameters<undici8.Agent['compose']>;

  async function bench(
    path = '/',
    credential?: string,
  ): Promise<{
    fake: FakeSidecar;
    server: FakeApi;
    identity: Identity;
    compose: (...outer: Interceptors) => undici8.Dispatcher;
  }> {
    const fake = await sidecar();
    const server = await api(fake, path);
    const identity = await connected(fake);
    const agent = new undici.Agent();
    onTestFinished(() => agent.destroy());
    const own = identity.interceptor(credential === undefined ? {} : { credential });
    return { fake, server, identity, compose: (...outer) => agent.compose(own, ...(outer as [])) };
  }

  test('signs every request', async () => {
    const { server, identity, compose } = await bench();
    const dispatcher = compose();
    for (const headers of [
      undefined,
      { 'X-Own': '1', DPoP: 'forged' },
      ['X-Own', '1', 'Authorization', 'Basic x'],
      new Map([['X-Own', '1']]),
    ]) {
      const { statusCode, body } = await undici.request(`${server.origin}/a?x=1`, {
        dispatcher,
        ...(headers && { headers }),
      });
      expect([statusCode, await body.json()]).toMatchObject([200, { caller: identity.id, path: '/a?x=1' }]);
    }
    for (const { rawHeaders } of server.seen)
      expect(rawHeaders.filter((header) => /^(dpop|authorization)$/i.test(header))).toHaveLength(2);
    expect(server.seen.slice(1).map(({ headers }) => headers['x-own'])).toEqual(['1', '1', '1']);
  });

  test('serves undici\u2019s own fetch, stream and a query', async () => {
    const { server, compose } = await bench();
    const dispatcher = compose();
    expect((await undici.fetch(`${server.origin}/f`, { dispatcher, method: 'POST', body: 'x' })).status).toBe(200);
    const { statusCode } = await undici.request(server.origin, { dispatcher, path: '/p', query: { q: '1' } } as never);
    expect(statusCode).toBe(200);
  });

  test('answers a nonce challenge once, where the body can be sent again', async () => {
    const { server, compose } = await bench();
    server.nonces = true;
    const dispatcher = compose();
    const bodies = ['text', Buffer.from('bytes'), null];
    for (const body of bodies) {
      server.rotateNonce();
      const answer = await undici.request(`${server.origin}/`, { dispatcher, method: 'POST', body });
      expect([answer.statusCode, ((await answer.body.json()) as { body: string }).body]).toEqual([
        200,
        body?.toString() ?? '',
      ]);
    }
    expect(server.seen).toHaveLength(6);
  });

  test('a stream that would have to be sent again is an error that says so', async () => {
    const { server, compose } = await bench();
    server.nonces = true;
    const dispatcher = compose();
    const sent = undici.request(`${server.origin}/`, { dispatcher, method: 'POST', body: Readable.from(['x']) });
    await expect(sent).rejects.toMatchObject({ code: 'body_not_replayable' });
    const again = await undici.request(`${server.origin}/`, { dispatcher, method: 'POST', body: Readable.from(['x']) });
    expect(again.statusCode).toBe(200);
    await again.body.dump();
  });

  test('an API that asks for a nonce for ever gets two requests, and its 401 is the answer', async () => {
    const { server, compose } = await bench();
    server.behave = (_, response) =>
      Boolean(
        response
          .writeHead(401, { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': `n${server.seen.length}` })
          .end('own'),
      );
    const { statusCode, body } = await undici.request(`${server.origin}/`, { dispatcher: compose() });
    expect([statusCode, await body.text(), server.seen.length]).toEqual([401, 'own', 2]);
  });

  test('a token that is refused is replaced once, a clock corrected once', async () => {
    const { fake, server, compose } = await bench();
    const dispatcher = compose();
    server.clockOffsetMs = 600_000;
    expect((await undici.request(`${server.origin}/`, { dispatcher })).statusCode).toBe(200);
    const stale = server.seen.at(-1)!.headers.authorization;
    server.behave = ({ headers }, response) =>
      headers.authorization === stale &&
      Boolean(response.writeHead(401, { 'www-authenticate': 'DPoP error="invalid_token"' }).end());
    fake.forget(...fake.leases);
    expect((await undici.request(`${server.origin}/`, { dispatcher })).statusCode).toBe(200);
    expect(fake.mints).toBe(2);
  });

  test('within retry and redirect each attempt has its own proof; another origin and an uncovered path get none', async () => {
    const { server, compose, fake } = await bench('/api/');
    const elsewhere = await api(fake, '/');
    const answers = [503, 302, 200];
    server.behave = ({ path }, response) => {
      const status = path === '/api/' ? answers.shift()! : 307;
      const location = path === '/api/' ? '/outside' : `${elsewhere.origin}/`;
      return Boolean(response.writeHead(status, status >= 300 && status < 400 ? { location } : {}).end());
    };
    elsewhere.behave = (_, response) => Boolean(response.end());
    const dispatcher = compose(
      undici.interceptors.redirect({ maxRedirections: 3 }),
      undici.interceptors.retry({ minTimeout: 1 }),
    );
    const { statusCode } = await undici.request(`${server.origin}/api/`, { dispatcher });
    expect(statusCode).toBe(200);
    expect(server.seen.map(({ path, headers }) => [path, headers.dpop !== undefined])).toEqual([
      ['/api/', true],
      ['/api/', true],
      ['/outside', false],
    ]);
    expect(new Set(server.seen.slice(0, 2).map(({ headers }) => headers.dpop)).size).toBe(2);
    expect(elsewhere.seen.map(({ headers }) => [headers.dpop, headers.authorization])).toEqual([
      [undefined, undefined],
    ]);
  });

  test('a path that looks like a covered host is a path of the origin it is sent to', async () => {
    const { server, compose, fake } = await bench('/api/');
    const elsewhere = await api(fake, '/');
    elsewhere.behave = (_, response) => Boolean(response.end());
    const path = `//${new URL(server.origin).host}/api/`;
    await undici.request(elsewhere.origin, { dispatcher: compose(), path } as never);
    expect(elsewhere.seen[0]!.path).toBe(path);
    expect(elsewhere.seen[0]!.headers).not.toHaveProperty('dpop');
  });

  test('a URL as the path is signed for the origin that it is sent to, and for no proxy', async () => {
    const { server, compose, fake } = await bench('/api/');
    const proxy = await api(fake, '/');
    fake.options.identities = [identityFor([`${server.origin}/api/`])];
    proxy.behave = (_, response) => Boolean(response.end());
    const path = `${server.origin}/api/x`;
    await compose().request({ origin: proxy.origin, path, method: 'GET' });
    expect(proxy.seen[0]!.path).toBe(path);
    expect(proxy.seen[0]!.headers).not.toHaveProperty('authorization');
    expect(proxy.seen[0]!.headers).not.toHaveProperty('dpop');
    await compose().request({ origin: server.origin, path, method: 'GET' });
    expect(server.seen[0]!.headers).toHaveProperty('dpop');
  });

  test('a request is the one that was made, though its options are changed before it is sent', async () => {
    const { server, compose } = await bench();
    const options = { origin: server.origin, path: '/mine', method: 'POST' as const, body: 'mine' };
    const asked = compose().request(options);
    Object.assign(options, { origin: 'http://127.0.0.1:9', path: '/other' });
    expect((await asked).statusCode).toBe(200);
    expect(server.seen[0]).toMatchObject({ path: '/mine', body: 'mine' });
  });

  test('a named credential alone is used', async () => {
    const { server, compose } = await bench('/', 'another');
    server.behave = (_, response) => Boolean(response.end());
    await undici.request(`${server.origin}/`, { dispatcher: compose() });
    expect(server.seen[0]!.headers).not.toHaveProperty('authorization');
  });

  test('why there is no token reaches the caller', async () => {
    const { fake, server, identity, compose } = await bench();
    const dispatcher = compose();
    fake.options.intercept = ({ path }) =>
      path === '/token' ? { status: 403, body: '{"error":"access_denied","code":"not_entitled"}' } : undefined;
    await expect(undici.request(`${server.origin}/`, { dispatcher })).rejects.toMatchObject({ code: 'not_entitled' });
    await identity.close();
    await expect(undici.request(`${server.origin}/`, { dispatcher })).rejects.toMatchObject({
      code: 'identity_closed',
    });
    expect(server.seen).toEqual([]);
  });

  test('a request that is aborted before it was sent fails with the reason', async () => {
    const { server, compose } = await bench();
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(undici.request(`${server.origin}/`, { dispatcher: compose(), signal })).rejects.toThrow('enough');
    expect(server.seen).toEqual([]);
  });

  test('types: it composes without a cast', () => {
    const compose = (identity: Identity): unknown => [
      new undici8.Agent().compose(identity.interceptor()),
      new undici7.Agent().compose(identity.interceptor({ credential: 'x' }), undici7.interceptors.retry()),
    ];
    expect(typeof compose).toBe('function');
  });

  test.runIf(name === 'undici 7')('serves the global fetch as its dispatcher', async () => {
    const { server, compose } = await bench();
    server.nonces = true;
    const post = (): Promise<Response> =>
      fetch(`${server.origin}/g`, { dispatcher: compose(), method: 'POST', body: 'x' } as object);
    // To a dispatcher every body of the global fetch is a stream.
    await expect(post()).rejects.toMatchObject({ cause: { code: 'body_not_replayable' } });
    expect((await post()).status).toBe(200);
  });
});
