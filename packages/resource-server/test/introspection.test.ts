import { describe, expect, test } from 'vitest';
import type { IntrospectionOptions } from '../src/index.ts';
import { openApi, proofOf, refusalOf, requestWith, type TestApi } from './api.ts';
import { answerWith, serveDocuments, type Answer } from './document-server.ts';
import { createIssuer, ISSUER, SUBJECT } from './issuer.ts';

const issuer = await createIssuer();

function openWith(introspection: string | IntrospectionOptions): Promise<TestApi> {
  return openApi({
    issuers: [{ issuer: ISSUER, jwks: issuer.jwks, subjects: [SUBJECT], introspection }],
    dangerouslyAcceptBearerTokens: true,
  });
}

/** Answers what `reply` gives for the form that was posted. */
function judgeForm(reply: (form: URLSearchParams) => object): Answer {
  return (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => response.end(JSON.stringify(reply(new URLSearchParams(Buffer.concat(chunks).toString())))));
  };
}

describe('a token that its issuer is asked about (RFC 7662)', () => {
  test('is posted as a form to the socket of the issuer, and accepted when it is active and bound to the same key', async () => {
    const forms: Record<string, string>[] = [];
    await using server = await serveDocuments(answerWith({}), 'unix');
    const api = await openWith(server.url);
    const token = await issuer.token(api.key.jkt);
    server.answer = judgeForm((form) => {
      forms.push(Object.fromEntries(form));
      return { active: true, sub: SUBJECT, iss: ISSUER, cnf: { jkt: api.key.jkt } };
    });
    await expect(api.verifier.verify(requestWith(token, proofOf(api.key, token)))).resolves.toBeDefined();
    expect(forms).toEqual([{ token, token_type_hint: 'access_token' }]);
    expect(server.requests[0]).toMatchObject({ method: 'POST', url: '/introspect' });
  });

  test.each<[string, (jkt: string) => object]>([
    ['inactive', () => ({ active: false })],
    ['active in a word', (jkt) => ({ active: 'true', cnf: { jkt } })],
    ['bound to another key', () => ({ active: true, cnf: { jkt: 'A'.repeat(43) } })],
    ['not bound', () => ({ active: true })],
    ['of another subject', (jkt) => ({ active: true, sub: 'spiffe://acme.example/other', cnf: { jkt } })],
    ['of another issuer', (jkt) => ({ active: true, iss: 'https://other.example', cnf: { jkt } })],
  ])('is refused when the answer says that it is %s', async (_what, reply) => {
    await using server = await serveDocuments(answerWith({}));
    const api = await openWith(server.url);
    server.answer = answerWith(reply(api.key.jkt));
    const token = await issuer.token(api.key.jkt);
    const refusal = await refusalOf(api.verifier, requestWith(token, proofOf(api.key, token)));
    expect(refusal).toMatchObject({ status: 401, error: 'invalid_token', reason: 'token_inactive' });
  });

  test.each<[string, Answer]>([
    ['an error', answerWith({ error: 'invalid_client' }, 401)],
    ['no JSON', answerWith('<html>')],
    ['no object', answerWith('null')],
    ['too much', answerWith(JSON.stringify({ active: true, padding: 'x'.repeat(70_000) }))],
    ['nothing', (request) => request.socket.destroy()],
  ])('is 503 when the answer is %s', async (_what, answer) => {
    await using server = await serveDocuments(answer);
    const api = await openWith(server.url);
    const token = await issuer.token(api.key.jkt);
    const refusal = await refusalOf(api.verifier, requestWith(token, proofOf(api.key, token)));
    expect(refusal).toMatchObject({
      status: 503,
      reason: 'introspection_unavailable',
      error: 'temporarily_unavailable',
    });
    expect(refusal.body).not.toContain('invalid_client');
  });

  test('is asked about once in 5 s, however many requests come, and again after', async () => {
    await using server = await serveDocuments(answerWith({}));
    const api = await openWith(server.url);
    server.answer = answerWith({ active: true, cnf: { jkt: api.key.jkt } });
    const token = await issuer.token(api.key.jkt);
    await api.verifier.verify(requestWith(token, proofOf(api.key, token)));
    await Promise.all([1, 2, 3].map(() => api.verifier.verify(requestWith(token, proofOf(api.key, token)))));
    expect(server.requests).toHaveLength(1);
    api.clock.advance(5_000);
    server.answer = answerWith({ active: false });
    const both = [1, 2].map(() => refusalOf(api.verifier, requestWith(token, proofOf(api.key, token))));
    expect((await Promise.all(both)).map(({ reason }) => reason)).toEqual(['token_inactive', 'token_inactive']);
    expect(server.requests).toHaveLength(2);
  });

  test('is asked about with the credentials of the API', async () => {
    await using server = await serveDocuments(answerWith({ active: true }));
    const api = await openWith({ url: server.url, authorization: () => Promise.resolve('Basic YXBpOnNlY3JldA==') });
    const token = await issuer.token(undefined);
    const request = { method: 'GET', url: '/v1/entries', rawHeaders: ['Authorization', `Bearer ${token}`] };
    await expect(api.verifier.verify(request)).resolves.toMatchObject({ binding: 'none' });
    expect(server.requests[0]?.headers.authorization).toBe('Basic YXBpOnNlY3JldA==');
  });

  test('is not asked about when its signature is not good', async () => {
    await using server = await serveDocuments(answerWith({ active: true }));
    const api = await openWith(server.url);
    const token = await issuer.token(api.key.jkt, { key: (await createIssuer()).privateKey });
    expect((await refusalOf(api.verifier, requestWith(token, proofOf(api.key, token)))).reason).toBe('token_signature');
    expect(server.requests).toHaveLength(0);
  });
});
