import { describe, expect, test } from 'vitest';
import type { RevocationOptions } from '../src/index.ts';
import { openApi, proofOf, refusalOf, requestWith, type TestApi } from './api.ts';
import { answerWith, serveDocuments, type Answer, type DocumentServer } from './document-server.ts';
import { eventually } from './eventually.ts';
import { createIssuer, NOW, SUBJECT } from './issuer.ts';

interface FeedApi extends TestApi, AsyncDisposable {
  readonly server: DocumentServer;
}

const issuer = await createIssuer();

/** An API that reads a list with these lines, or this first answer. */
async function openFeed(
  first: readonly object[] | { readonly answer: Answer },
  options: Partial<RevocationOptions> = {},
): Promise<FeedApi> {
  const list = 'answer' in first ? undefined : await issuer.revocations(first);
  const server = await serveDocuments('answer' in first ? first.answer : answerWith(list!, 200, { etag: '"one"' }));
  const revocations = { url: `${server.url}/revocations`, ...options };
  const api = await openApi({
    issuers: [{ issuer: issuer.issuer, jwks: issuer.jwks, subjects: ['spiffe://acme.example/'], revocations }],
  });
  return {
    ...api,
    server,
    token: await issuer.token(api.key.jkt),
    async [Symbol.asyncDispose]() {
      await api.verifier.close();
      await server.close();
    },
  };
}

function outcome({ verifier, key, clock }: FeedApi, token: string): Promise<string> {
  const iat = Math.floor(clock.nowMs() / 1000);
  return verifier.verify(requestWith(token, proofOf(key, token, { iat }))).then(
    () => 'accepted',
    (error: { reason: string }) => error.reason,
  );
}

/** Lets one poll happen, and waits until it is over: until the timer of the next one is there. */
async function poll({ clock }: FeedApi, ms = 5_000): Promise<void> {
  await eventually(() => clock.waiting).toBe(1);
  clock.advance(ms);
  await eventually(() => clock.waiting).toBe(1);
}

describe('a token on the revocation list of its issuer', () => {
  const until = NOW + 900;
  test.each([
    ['by its jti', { kind: 'jti', value: 'ls_01KAMQ5Q6G0000000000000000', until }, 'token_revoked'],
    ['by its subject, issued before', { kind: 'sub', value: SUBJECT, before: NOW - 60, until }, 'token_revoked'],
    ['by its subject, but issued after', { kind: 'sub', value: SUBJECT, before: NOW - 61, until }, 'accepted'],
    ['by another jti', { kind: 'jti', value: 'another', until }, 'accepted'],
  ])('%s', async (_how, line, expected) => {
    await using api = await openFeed([line]);
    expect(await outcome(api, api.token)).toBe(expected);
  });

  test('by its key is refused with invalid_token', async () => {
    await using api = await openFeed([]);
    const list = await issuer.revocations([{ kind: 'jkt', value: api.key.jkt, until }], { claims: { iat: NOW + 5 } });
    expect(await outcome(api, api.token)).toBe('accepted');
    api.server.answer = answerWith(list, 200, { etag: '"two"' });
    await poll(api);
    const iat = Math.floor(api.clock.nowMs() / 1000);
    const refusal = await refusalOf(api.verifier, requestWith(api.token, proofOf(api.key, api.token, { iat })));
    expect(refusal).toMatchObject({ status: 401, error: 'invalid_token', reason: 'token_revoked' });
  });
});

describe('the list', () => {
  test('is read at once, then every 5 s, with the ETag of the last one', async () => {
    await using api = await openFeed([]);
    await eventually(() => api.server.requests.length).toBe(1);
    api.server.answer = answerWith('', 304);
    await poll(api);
    await poll(api);
    expect(api.server.requests.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"one"', '"one"']);
    expect(await outcome(api, api.token)).toBe('accepted');
    expect(api.server.requests).toHaveLength(3);
  });

  test('may be read from the Unix socket of the issuer', async () => {
    await using server = await serveDocuments(
      answerWith(await issuer.revocations([{ kind: 'sub', value: SUBJECT, before: NOW, until: NOW + 900 }])),
      'unix',
    );
    const { verifier, key } = await openApi({
      issuers: [{ issuer: issuer.issuer, jwks: issuer.jwks, subjects: [SUBJECT], revocations: server.url }],
    });
    const token = await issuer.token(key.jkt);
    expect((await refusalOf(verifier, requestWith(token, proofOf(key, token)))).reason).toBe('token_revoked');
    expect(server.requests[0]?.url).toBe('/revocations');
    await verifier.close();
  });

  test('holds until its "exp" when no newer one can be had; then requests are 503', async () => {
    await using api = await openFeed([]);
    expect(await outcome(api, api.token)).toBe('accepted');
    api.server.answer = answerWith('', 500);
    api.clock.advance(299_000);
    expect(await outcome(api, api.token)).toBe('accepted');
    await eventually(() => api.clock.waiting).toBe(1);
    api.clock.advance(1_000);
    const iat = Math.floor(api.clock.nowMs() / 1000);
    const refusal = await refusalOf(api.verifier, requestWith(api.token, proofOf(api.key, api.token, { iat })));
    expect(refusal).toMatchObject({ status: 503, reason: 'revocations_unavailable', error: 'temporarily_unavailable' });
  });

  test('that ended is still gone by, and requests go on, where the API says so', async () => {
    await using api = await openFeed([{ kind: 'jti', value: 'revoked', until: NOW + 900 }], { whenStale: 'accept' });
    expect(await outcome(api, api.token)).toBe('accepted');
    api.server.answer = answerWith('', 500);
    api.clock.advance(301_000);
    expect(await outcome(api, api.token)).toBe('accepted');
    const revoked = await issuer.token(api.key.jkt, { claims: { jti: 'revoked' } });
    expect(await outcome(api, revoked)).toBe('token_revoked');
  });

  test('that cannot be read at first is 503, asked for once a second at the most', async () => {
    await using api = await openFeed({ answer: answerWith('', 500) });
    const before = await Promise.all(Array.from({ length: 10 }, () => outcome(api, api.token)));
    expect(new Set(before)).toEqual(new Set(['revocations_unavailable']));
    for (let i = 0; i < 5; i++) expect(await outcome(api, api.token)).toBe('revocations_unavailable');
    expect(api.server.requests).toHaveLength(1);
    api.server.answer = answerWith(await issuer.revocations([]));
    api.clock.advance(1_000);
    expect(await outcome(api, api.token)).toBe('accepted');
  });

  test('stops being read when the verifier is closed', async () => {
    await using api = await openFeed([]);
    await eventually(() => api.clock.waiting).toBe(1);
    api.verifier[Symbol.dispose]();
    expect(api.clock.waiting).toBe(0);
  });

  const forged: readonly (readonly [what: string, mint: () => Promise<string>])[] = [
    ['is of another issuer', () => issuer.revocations([], { claims: { iss: 'https://other.example' } })],
    ['is an access token', () => issuer.token('A'.repeat(43))],
    ['has no type of its own', () => issuer.revocations([], { header: { typ: 'JWT' } })],
    ['is signed by a stranger', async () => issuer.revocations([], { key: (await createIssuer()).privateKey })],
    ['is unsigned', () => issuer.revocations([], { header: { alg: 'none' } })],
    ['has a line of a kind that is not known', () => issuer.revocations([{ kind: 'owner', value: 'x', until: 1 }])],
    ['has already ended', () => issuer.revocations([], { claims: { exp: NOW } })],
    ['is no JWT', () => Promise.resolve('{"revoked":[]}')],
  ];

  test.each(forged)('is not taken when it %s', async (_what, mint) => {
    await using api = await openFeed({ answer: answerWith(await mint()) });
    expect(await outcome(api, api.token)).toBe('revocations_unavailable');
  });

  test('is not replaced by an older one, which would bring back what was revoked', async () => {
    const line = { kind: 'sub', value: SUBJECT, before: NOW, until: NOW + 900 };
    await using api = await openFeed([line]);
    expect(await outcome(api, api.token)).toBe('token_revoked');
    api.server.answer = answerWith(await issuer.revocations([], { claims: { iat: NOW - 1 } }));
    await poll(api);
    expect(await outcome(api, api.token)).toBe('token_revoked');
    api.server.answer = answerWith(await issuer.revocations([], { claims: { iat: NOW + 10 } }));
    await poll(api);
    expect(await outcome(api, api.token)).toBe('accepted');
  });
});

test('a clock that is ahead of the list is told as the cause, and later what fails then', async () => {
  await using api = await openFeed({ answer: answerWith(await issuer.revocations([], { claims: { exp: NOW } })) });
  const ask = () => refusalOf(api.verifier, requestWith(api.token, proofOf(api.key, api.token)));
  expect((await ask()).cause).toMatchObject({ message: 'the newest list has ended by the clock of this machine' });
  api.server.answer = answerWith(await issuer.revocations([], { claims: { exp: NOW + 60 } }));
  await poll(api);
  expect(await outcome(api, api.token)).toBe('accepted');
  api.server.answer = answerWith('', 500);
  await eventually(() => api.clock.waiting).toBe(1);
  api.clock.advance(60_000);
  expect((await ask()).cause).toMatchObject({ message: 'the answer has status 500' });
});
