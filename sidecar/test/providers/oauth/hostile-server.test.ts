import { inspect } from 'node:util';
import { TallystickError } from '@tallystick/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readTokenAnswer } from '../../../src/providers/oauth/token-answer.ts';
import { wanted, openedOauth } from './opened-oauth.ts';

const EXCHANGE = { wanted: wanted({ grant: 'token_exchange' }) };

describe('what a server gives in the place of a bound access token is never handed out', () => {
  test.each<[string, string, Record<string, unknown>, Record<string, unknown>]>([
    ['a bearer token', 'upstream_unbound', { token_type: 'Bearer' }, {}],
    ['a token of no type', 'upstream_answer_invalid', { token_type: undefined }, {}],
    ['a token that is no access token', 'upstream_unbound', { token_type: 'N_A' }, {}],
    ['a token that is bound to another key', 'upstream_unbound', {}, { cnf: { jkt: 'another-key' } }],
    ['a token that is bound to a certificate', 'upstream_unbound', {}, { cnf: { 'x5t#S256': 'digest' } }],
    ['a token that says DPoP and is bound to nothing', 'upstream_unbound', {}, { cnf: undefined }],
    ['an id_token', 'upstream_unbound', {}, { cnf: undefined, aud: 'close-batch', nonce: 'n' }],
    ['a token for another audience', 'upstream_answer_invalid', {}, { aud: 'https://payroll.acme.example' }],
    ['a token for no audience', 'upstream_answer_invalid', {}, { aud: undefined }],
    ['a token that has ended', 'upstream_answer_invalid', {}, { exp: 1_700_000_000 }],
    ['a token without a time to live', 'upstream_answer_invalid', { expires_in: 0 }, {}],
    ['a token of negative life', 'upstream_answer_invalid', { expires_in: -300 }, {}],
    ['a token of endless life', 'upstream_answer_invalid', { expires_in: 1e300 }, {}],
    ['a life that is no number', 'upstream_answer_invalid', { expires_in: '300' }, {}],
    ['a token that says nothing of its life', 'upstream_answer_invalid', { expires_in: undefined }, { exp: undefined }],
    ['a token that would end the header', 'upstream_answer_invalid', { access_token: 'a\r\nx: y' }, {}],
    ['an empty token', 'upstream_answer_invalid', { access_token: '' }, {}],
    ['a token that is an object', 'upstream_answer_invalid', { access_token: { jwt: 'x' } }, {}],
    ['a scope that is none', 'upstream_answer_invalid', { scope: ['journal.read'] }, {}],
    ['a scope with a quote', 'upstream_answer_invalid', { scope: 'a "b"' }, {}],
  ])('%s', async (_what, code, members, claims) => {
    const { server, refusal } = await openedOauth();
    server.members = members;
    server.claims = claims;
    expect(await refusal()).toMatchObject({ code });
  });

  test('an id_token that an exchange has issued', async () => {
    const { server, refusal, mint } = await openedOauth();
    for (const issued of [
      'urn:ietf:params:oauth:token-type:id_token',
      'urn:ietf:params:oauth:token-type:refresh_token',
      undefined,
    ]) {
      server.members = { issued_token_type: issued };
      expect(await refusal(EXCHANGE)).toMatchObject({ code: 'upstream_answer_invalid' });
    }
    server.members = { issued_token_type: 'urn:ietf:params:oauth:token-type:jwt' };
    await mint(EXCHANGE);
  });

  test.each<[string, string, { status?: number; headers?: Record<string, string>; body: unknown }]>([
    [
      'a login page',
      'upstream_answer_invalid',
      { headers: { 'content-type': 'text/html' }, body: '<html>canary</html>' },
    ],
    ['half an answer', 'upstream_answer_invalid', { body: '{"access_token":"canary' }],
    ['a list', 'upstream_answer_invalid', { body: [] }],
    ['an empty body', 'upstream_answer_invalid', { body: '' }],
    ['a redirect', 'upstream_answer_invalid', { status: 302, headers: { location: 'http://127.0.0.1:1/' }, body: '' }],
    ['a created token', 'upstream_answer_invalid', { status: 201, body: {} }],
    ['more than a MiB', 'upstream_answer_invalid', { body: 'canary'.repeat(200_000) }],
  ])('%s', async (_what, code, answer) => {
    const { server, refusal } = await openedOauth();
    server.answer = () => answer;
    expect(await refusal()).toMatchObject({ code });
    expect(server.requests).toHaveLength(1);
  });
});

describe('a refusal of the server', () => {
  test.each([
    ['invalid_client', 401, 'upstream_login_refused'],
    ['unauthorized_client', 400, 'upstream_login_refused'],
    ['invalid_grant', 400, 'upstream_denied'],
    ['invalid_scope', 400, 'upstream_denied'],
    ['invalid_target', 400, 'upstream_denied'],
    ['access_denied', 403, 'upstream_denied'],
    ['unsupported_grant_type', 400, 'upstream_denied'],
    ['invalid_request', 400, 'upstream_denied'],
    ['invalid_dpop_proof', 400, 'upstream_denied'],
    ['temporarily_unavailable', 400, 'upstream_unavailable'],
    ['temporarily_unavailable', 503, 'upstream_unavailable'],
    ['server_error', 500, 'upstream_failed'],
    ['slow_down', 429, 'upstream_rate_limited'],
    ['canary_error', 400, 'upstream_denied'],
    ['constructor', 400, 'upstream_denied'],
  ])('%s, with status %i, is %s', async (error, status, code) => {
    const { server, refusal } = await openedOauth();
    server.answer = () => ({ status, headers: { 'retry-after': '7' }, body: { error, error_description: 'canary' } });
    const refused = await refusal();
    expect(refused).toMatchObject({ code });
    if (code === 'upstream_unavailable' || code === 'upstream_rate_limited') expect(refused.retryAfterMs).toBe(7000);
    expect(refused.message).not.toContain('canary');
  });

  test('of a client that one credential has for itself is none of the provider', async () => {
    const { refusal } = await openedOauth();
    expect(await refusal({ wanted: wanted({ client: 'unknown-client' }) })).toMatchObject({ code: 'upstream_denied' });
    const client = {
      id: 'unknown-client',
      authentication: 'private_key_jwt' as const,
      secret: undefined,
      secretFile: undefined,
    };
    const shared = await openedOauth({ settings: () => ({ client }) });
    expect(await shared.refusal()).toMatchObject({ code: 'upstream_login_refused' });
  });

  test('that is no JSON is judged by its status', async () => {
    const { server, refusal } = await openedOauth();
    for (const [status, code] of [
      [403, 'upstream_denied'],
      [502, 'upstream_unavailable'],
      [404, 'upstream_not_found'],
    ] as const) {
      server.answer = () => ({ status, body: '<html>canary</html>' });
      expect(await refusal()).toMatchObject({ code });
    }
  });

  test('that nobody listens any more is told as such', async () => {
    const { refusal } = await openedOauth({ settings: () => ({ tokenEndpoint: 'http://127.0.0.1:1/token' }) });
    expect(await refusal()).toMatchObject({ code: 'upstream_unavailable', retryable: true });
  });
});

test('no answer that can be thought of makes an error with a piece of it', async () => {
  const expected = {
    name: 'sso',
    jkt: 'k',
    audience: 'a',
    scope: [],
    isExchange: false,
    lifetimeMs: 1000,
    nowMs: 1e12,
  };
  const part = fc.oneof(fc.string(), fc.constant('canary'), fc.integer(), fc.constant(null), fc.array(fc.string()));
  const body = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .record({
        access_token: part,
        token_type: fc.oneof(part, fc.constant('DPoP')),
        expires_in: part,
        scope: part,
        cnf: part,
      })
      .map((members) => JSON.stringify(members)),
  );
  fc.assert(
    fc.property(body, (text) => {
      try {
        const made = readTokenAnswer({ status: 200, headers: {}, text }, expected);
        expect(made.expiresAtMs).toBeGreaterThan(expected.nowMs);
      } catch (error) {
        if (!TallystickError.is(error)) throw error;
        expect(inspect(error)).not.toContain('canary');
      }
    }),
    { numRuns: 500 },
  );
});
