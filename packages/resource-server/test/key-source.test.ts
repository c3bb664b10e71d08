import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { setGlobalProxyFromEnv } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openApi, proofOf, refusalOf, requestWith, type TestApi } from './api.ts';
import { answerWith, serveDocuments, silence } from './document-server.ts';
import { eventually } from './eventually.ts';
import { createIssuer, SUBJECT, type TestIssuer } from './issuer.ts';

const subjects = ['spiffe://acme.example/payments/'];

async function accepted(api: TestApi, token: string): Promise<void> {
  await expect(api.verifier.verify(requestWith(token, proofOf(api.key, token)))).resolves.toMatchObject({
    identity: SUBJECT,
  });
}

async function reasonOf(api: TestApi, token: string): Promise<string> {
  return (await refusalOf(api.verifier, requestWith(token, proofOf(api.key, token)))).reason;
}

function openWith(issuer: TestIssuer, jwks: string): Promise<TestApi> {
  return openApi({ issuers: [{ issuer: issuer.issuer, jwks, subjects }] });
}

/** Long enough for every background read to be over: it is asked for on the same connection. */
async function settled(url: string): Promise<void> {
  await (await fetch(`${url}/settled`)).text();
}

describe('the keys of an issuer', () => {
  test.each(['tcp', 'unix'] as const)('are read over %s at first use, once for all', async (over) => {
    const issuer = await createIssuer();
    await using server = await serveDocuments(answerWith(issuer.jwks), over);
    const api = await openWith(issuer, over === 'tcp' ? `${server.url}/jwks` : server.url);
    expect(server.requests).toHaveLength(0);
    const tokens = await Promise.all(
      Array.from({ length: 20 }, (_, i) => issuer.token(api.key.jkt, { claims: { jti: `${i}` } })),
    );
    await Promise.all(tokens.map((token) => accepted(api, token)));
    expect(server.requests.map(({ url }) => url)).toEqual(['/jwks']);
    expect(server.requests[0]!.headers.host).toMatch(over === 'tcp' ? /^127\.0\.0\.1:/ : /^localhost$/);
  });

  test.each(['tcp', 'unix'] as const)(
    'are read over %s from this machine itself, whatever proxy is set',
    async (over) => {
      const issuer = await createIssuer();
      await using server = await serveDocuments(answerWith(issuer.jwks), over);
      await using proxy = await serveDocuments(answerWith((await createIssuer(issuer.issuer)).jwks));
      onTestFinished(setGlobalProxyFromEnv({ http_proxy: proxy.url }));
      const api = await openWith(issuer, over === 'tcp' ? `${server.url}/jwks` : server.url);
      await accepted(api, await issuer.token(api.key.jkt));
      expect([server.requests.length, proxy.requests.length]).toEqual([1, 0]);
    },
  );

  test('are read from a file', async () => {
    const issuer = await createIssuer();
    const folder = await mkdtemp(join(tmpdir(), 'rs-'));
    try {
      await writeFile(join(folder, 'jwks.json'), JSON.stringify(issuer.jwks));
      const api = await openWith(issuer, pathToFileURL(join(folder, 'jwks.json')).href);
      await accepted(api, await issuer.token(api.key.jkt));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('follow a rotation as soon as a token names the new key, and keep the old one while it is published', async () => {
    const old = await createIssuer();
    const next = await createIssuer(old.issuer, 'ES256', 'key-2');
    await using server = await serveDocuments(answerWith(old.jwks));
    const api = await openWith(old, server.url);
    await accepted(api, await old.token(api.key.jkt));
    server.answer = answerWith({ keys: [old.jwk, next.jwk] });
    api.clock.advance(10_000);
    await accepted(api, await next.token(api.key.jkt));
    await accepted(api, await old.token(api.key.jkt, { claims: { jti: 'old' } }));
    expect(server.requests).toHaveLength(2);
  });

  test('are not read more than once in 10 s, however many tokens name unknown keys', async () => {
    const issuer = await createIssuer();
    await using server = await serveDocuments(answerWith(issuer.jwks));
    const api = await openWith(issuer, server.url);
    const storm = async (): Promise<void> => {
      const forged = await Promise.all(
        Array.from({ length: 50 }, (_, i) => issuer.token(api.key.jkt, { header: { kid: `random-${i}` } })),
      );
      const reasons = await Promise.all(forged.map((token) => reasonOf(api, token)));
      expect(new Set(reasons)).toEqual(new Set(['token_key']));
    };
    await storm();
    await storm();
    expect(server.requests).toHaveLength(1);
    api.clock.advance(10_000);
    await storm();
    await storm();
    expect(server.requests).toHaveLength(2);
    await accepted(api, await issuer.token(api.key.jkt));
  });

  test('are gone by for an hour of outage, then nothing is accepted: 503', async () => {
    const issuer = await createIssuer();
    await using server = await serveDocuments(answerWith(issuer.jwks));
    const api = await openWith(issuer, server.url);
    const token = await issuer.token(api.key.jkt, { claims: { exp: 4e9 } });
    const proven = (): ReturnType<typeof requestWith> =>
      requestWith(token, proofOf(api.key, token, { iat: Math.floor(api.clock.nowMs() / 1000) }));
    await api.verifier.verify(proven());
    server.answer = answerWith('', 500);
    for (let minutes = 0; minutes < 60; minutes += 10) {
      await expect(api.verifier.verify(proven())).resolves.toBeDefined();
      await settled(server.url);
      api.clock.advance(600_000);
    }
    await expect(api.verifier.verify(proven())).resolves.toBeDefined();
    await settled(server.url);
    api.clock.advance(1_000);
    const refusal = await refusalOf(api.verifier, proven());
    expect(refusal).toMatchObject({
      status: 503,
      reason: 'keys_unavailable',
      code: 'keys_unavailable',
      error: 'temporarily_unavailable',
    });
    expect(refusal.headers).toMatchObject({ 'Retry-After': '1', 'Cache-Control': 'no-store' });
    expect(refusal.headers['WWW-Authenticate']).toBeUndefined();
    expect(refusal.cause).toBeInstanceOf(Error);
    server.answer = answerWith(issuer.jwks);
    api.clock.advance(30_000);
    await expect(api.verifier.verify(proven())).resolves.toBeDefined();
  });

  test('that cannot be read at first are 503, tried again ever less often, and work when they come', async () => {
    const issuer = await createIssuer();
    await using server = await serveDocuments(answerWith('', 500));
    const api = await openWith(issuer, server.url);
    const token = await issuer.token(api.key.jkt);
    for (let i = 0; i < 20; i++) expect(await reasonOf(api, token)).toBe('keys_unavailable');
    expect(server.requests).toHaveLength(1);
    server.answer = answerWith(issuer.jwks);
    api.clock.advance(1_000);
    await accepted(api, token);
  });

  test('leave it open whether an unknown key is new, while the issuer is out of reach: 503, not 401', async () => {
    const issuer = await createIssuer();
    const next = await createIssuer(issuer.issuer, 'ES256', 'key-2');
    await using server = await serveDocuments(answerWith(issuer.jwks));
    const api = await openWith(issuer, server.url);
    await accepted(api, await issuer.token(api.key.jkt));
    server.answer = answerWith('', 500);
    api.clock.advance(10_000);
    expect(await reasonOf(api, await next.token(api.key.jkt))).toBe('keys_unavailable');
  });

  test('lose a key that is no longer published, also for tokens seen before', async () => {
    const issuer = await createIssuer();
    const next = await createIssuer(issuer.issuer, 'ES256', 'key-2');
    await using server = await serveDocuments(answerWith(issuer.jwks));
    const api = await openWith(issuer, server.url);
    const token = await issuer.token(api.key.jkt);
    await accepted(api, token);
    server.answer = answerWith(next.jwks);
    api.clock.advance(300_001);
    const iat = Math.floor(api.clock.nowMs() / 1000);
    // Accepted once more by what is held, while the set is read beside.
    await api.verifier.verify(requestWith(token, proofOf(api.key, token, { iat })));
    await settled(server.url);
    const outcome = (): Promise<unknown> =>
      api.verifier.verify(requestWith(token, proofOf(api.key, token, { iat }))).catch((error: unknown) => error);
    await eventually(outcome).toMatchObject({ reason: 'token_key' });
  });

  test.each([
    ['is no JSON', answerWith('<html>')],
    ['is no JWK Set', answerWith({ key: [] })],
    ['has more than 100 keys', answerWith({ keys: Array.from({ length: 101 }, () => ({ kty: 'EC' })) })],
    ['is longer than 256 kB', answerWith(JSON.stringify({ keys: [], padding: 'x'.repeat(300_000) }))],
    ['is a redirect', answerWith('', 302, { location: 'http://127.0.0.1:1/' })],
  ])('are not taken from an answer that %s', async (_what, answer) => {
    const issuer = await createIssuer();
    await using server = await serveDocuments(answer);
    const api = await openWith(issuer, server.url);
    expect(await reasonOf(api, await issuer.token(api.key.jkt))).toBe('keys_unavailable');
    expect(server.requests).toHaveLength(1);
  });

  test('are asked for once while an answer is awaited, and 503 when the connection breaks', async () => {
    const issuer = await createIssuer();
    await using server = await serveDocuments(silence);
    const api = await openWith(issuer, server.url);
    const token = await issuer.token(api.key.jkt);
    const waiting = [reasonOf(api, token), reasonOf(api, token)];
    await eventually(() => server.requests.length).toBe(1);
    await server.close();
    expect(await Promise.all(waiting)).toEqual(['keys_unavailable', 'keys_unavailable']);
  });
});

test('nothing is fetched because a token names it: jku, x5u, iss', async () => {
  const issuer = await createIssuer();
  await using evil = await serveDocuments(answerWith(issuer.jwks));
  const api = await openApi();
  for (const header of [
    { jku: `${evil.url}/jwks`, kid: 'evil' },
    { x5u: `${evil.url}/x5u`, kid: 'evil' },
  ]) {
    expect(await reasonOf(api, await issuer.token(api.key.jkt, { header }))).toBe('token_key');
  }
  expect(await reasonOf(api, await issuer.token(api.key.jkt, { claims: { iss: evil.url } }))).toBe('token_issuer');
  expect(evil.requests).toHaveLength(0);
});
