import { describe, expect, test } from 'vitest';
import { openApi, proofOf, refusalOf, requestWith, type TestApi } from './api.ts';
import { answerWith, serveDocuments } from './document-server.ts';
import { eventually } from './eventually.ts';
import { createIssuer, NOW, SUBJECT } from './issuer.ts';

function proven({ key, clock }: TestApi, token: string): ReturnType<typeof requestWith> {
  return requestWith(token, proofOf(key, token, { iat: Math.floor(clock.nowMs() / 1000) }));
}

describe('a token seen before', () => {
  test('is the same caller, object and all', async () => {
    const api = await openApi();
    const first = await api.verifier.verify(proven(api, api.token));
    expect(await api.verifier.verify(proven(api, api.token))).toBe(first);
  });

  test('is refused from the instant it expires', async () => {
    const api = await openApi();
    await api.verifier.verify(proven(api, api.token));
    api.clock.advance(839_999);
    await expect(api.verifier.verify(proven(api, api.token))).resolves.toBeDefined();
    api.clock.advance(1);
    expect((await refusalOf(api.verifier, proven(api, api.token))).reason).toBe('token_expired');
  });

  test('is refused when the clock is set back before its "nbf"', async () => {
    const api = await openApi();
    const token = await api.issuer.token(api.key.jkt, { claims: { nbf: NOW } });
    await api.verifier.verify(proven(api, token));
    api.clock.jump(-11_000);
    expect((await refusalOf(api.verifier, proven(api, token))).reason).toBe('token_not_yet_valid');
  });

  test('is refused when the list of its issuer names it', async () => {
    const issuer = await createIssuer();
    await using server = await serveDocuments(answerWith(await issuer.revocations([])));
    const api = await openApi({
      issuers: [{ issuer: issuer.issuer, jwks: issuer.jwks, subjects: [SUBJECT], revocations: server.url }],
    });
    const token = await issuer.token(api.key.jkt);
    await api.verifier.verify(proven(api, token));
    const line = { kind: 'sub', value: SUBJECT, before: NOW, until: NOW + 900 };
    server.answer = answerWith(await issuer.revocations([line], { claims: { iat: NOW + 1 } }));
    await eventually(() => api.clock.waiting).toBe(1);
    api.clock.advance(5_000);
    await eventually(() => api.clock.waiting).toBe(1);
    expect((await refusalOf(api.verifier, proven(api, token))).reason).toBe('token_revoked');
    await api.verifier.close();
  });

  test('needs its own proof each time: what is kept is the token, not the request', async () => {
    const api = await openApi();
    const thief = await openApi();
    await api.verifier.verify(proven(api, api.token));
    const stolen = requestWith(api.token, proofOf(thief.key, api.token));
    expect((await refusalOf(api.verifier, stolen)).reason).toBe('proof_key');
  });

  test('is told from one that differs in its signature alone', async () => {
    const api = await openApi();
    await api.verifier.verify(proven(api, api.token));
    const changed = api.token.slice(0, -6) + (api.token.at(-6) === 'A' ? 'B' : 'A') + api.token.slice(-5);
    expect((await refusalOf(api.verifier, proven(api, changed))).reason).toBe('token_signature');
  });

  test('is forgotten for others when there are too many, and is checked again when it comes back', async () => {
    const api = await openApi({ maxCachedTokens: 1 });
    const other = await api.issuer.token(api.key.jkt, { claims: { jti: 'other' } });
    const first = await api.verifier.verify(proven(api, api.token));
    await api.verifier.verify(proven(api, other));
    const again = await api.verifier.verify(proven(api, api.token));
    expect(again).not.toBe(first);
    expect(again).toEqual(first);
  });
});

test('a token for another audience takes no place from one that is good', async () => {
  const api = await openApi({ maxCachedTokens: 1 });
  const first = await api.verifier.verify(proven(api, api.token));
  const other = await api.issuer.token(api.key.jkt, { claims: { aud: 'https://else.example' } });
  expect((await refusalOf(api.verifier, proven(api, other))).reason).toBe('token_audience');
  expect(await api.verifier.verify(proven(api, api.token))).toBe(first);
});

test('a refused token is not kept: it may be good later', async () => {
  const api = await openApi();
  const token = await api.issuer.token(api.key.jkt, { claims: { nbf: NOW + 20 } });
  expect((await refusalOf(api.verifier, proven(api, token))).reason).toBe('token_not_yet_valid');
  api.clock.advance(10_000);
  await expect(api.verifier.verify(proven(api, token))).resolves.toBeDefined();
});
