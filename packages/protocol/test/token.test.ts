import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatTokenRequest,
  formatTokenResponse,
  parseScope,
  parseTokenRequest,
  parseTokenResponse,
  type TokenResponse,
  type TokenType,
} from '../src/index.ts';
import { refusal } from './throws.ts';

const GRANT = 'grant_type=client_credentials';
const leaseId = fc.stringMatching(/^ls_[0-7][0-9A-HJKMNP-TV-Z]{25}$/);

describe('token request', () => {
  const claim = fc.stringMatching(/^[ -~]{1,128}$/);
  const scopeToken = fc.stringMatching(/^[!#-[\]-~]{1,12}$/);

  test('what is formatted is parsed as the same', () => {
    const request = fc.record(
      {
        clientId: fc.oneof(claim, fc.constant('spiffe://acme.example/payments/close-batch')),
        resource: fc.webUrl(),
        scope: fc.uniqueArray(scopeToken, { minLength: 1, maxLength: 5 }),
        process: fc.record({ id: claim, run: claim, ticket: claim }, { requiredKeys: ['id'] }),
        certificate: leaseId,
        logHead: fc.string({
          minLength: 1,
          maxLength: 300,
          unit: fc.constantFrom('\n', '—', '+', '/', '=', ' ', '&', 'a'),
        }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(request, ({ scope, ...rest }) => {
        const { clientId, resource, process, certificate, logHead } = rest;
        expect(parseTokenRequest(formatTokenRequest({ ...rest, scope: scope?.join(' ') }))).toEqual({
          clientId,
          resource,
          scope: scope && [...scope].sort(),
          context: process && { id: process.id, run: process.run ?? null, ticket: process.ticket ?? null },
          certificate,
          logHead,
        });
      }),
    );
  });

  test('the least request names the grant alone', () => {
    expect(formatTokenRequest({})).toBe(GRANT);
    expect(parseTokenRequest(GRANT)).toEqual({
      clientId: undefined,
      resource: undefined,
      scope: undefined,
      context: undefined,
    });
  });

  test.each([
    [
      'RFC 6749 §3.2: a parameter without a value counts as omitted',
      `${GRANT}&client_id=&resource=&scope=&context=&certificate=`,
      {},
    ],
    ['RFC 6749 §3.2: unknown parameters are ignored, also twice', `${GRANT}&audience=x&audience=y&client_secret=z`, {}],
    [
      'RFC 6749 appendix B: + and %20 are spaces',
      `${GRANT}&client_id=a+b%20c&scope=x+y`,
      { clientId: 'a b c', scope: ['x', 'y'] },
    ],
    ['RFC 6749 §3.3: scope is a set', `${GRANT}&scope=b+a++b`, { scope: ['a', 'b'] }],
    ['the order does not matter', `scope=a&${GRANT}`, { scope: ['a'] }],
    ['the case of names matters', `${GRANT}&Scope=a`, {}],
  ])('%s', (_rule, body, expected) => {
    expect(parseTokenRequest(body)).toEqual({
      clientId: undefined,
      resource: undefined,
      scope: undefined,
      context: undefined,
      ...expected,
    });
  });

  test.each([
    ['no grant_type', '', 'invalid_request'],
    ['an empty grant_type', 'grant_type=', 'invalid_request'],
    ['JSON', '{"grant_type":"client_credentials"}', 'invalid_request'],
    ['another grant', 'grant_type=password', 'unsupported_grant_type'],
    ['another case', 'grant_type=Client_Credentials', 'unsupported_grant_type'],
    ['RFC 6749 §3.2: grant_type twice', `${GRANT}&${GRANT}`, 'invalid_request'],
    ['client_id twice', `${GRANT}&client_id=a&client_id=a`, 'invalid_request'],
    ['client_id twice, once empty', `${GRANT}&client_id=a&client_id=`, 'invalid_request'],
    ['log_head twice', `${GRANT}&log_head=a&log_head=b`, 'invalid_request'],
    ['a log_head without end', `${GRANT}&log_head=${'a'.repeat(2049)}`, 'invalid_request'],
    ['scope twice', `${GRANT}&scope=a&scope=b`, 'invalid_request'],
    ['context twice', `${GRANT}&context=a&context=b`, 'invalid_request'],
    ['certificate twice', `${GRANT}&certificate=ls_a&certificate=ls_b`, 'invalid_request'],
    ['a certificate that is no lease id', `${GRANT}&certificate=batch-tls`, 'invalid_request'],
    [
      'RFC 8707 §2: more than one resource',
      `${GRANT}&resource=https://a.example&resource=https://b.example`,
      'invalid_target',
    ],
    ['a scope with a quote', `${GRANT}&scope=a"b`, 'invalid_scope'],
    ['a scope with a backslash', `${GRANT}&scope=a\\b`, 'invalid_scope'],
    ['a scope with a control character', `${GRANT}&scope=a%0Ab`, 'invalid_scope'],
    ['a scope that is not ASCII', `${GRANT}&scope=%C3%A9`, 'invalid_scope'],
    ['a scope of spaces', `${GRANT}&scope=+`, 'invalid_scope'],
    ['a client_id that would break a log line', `${GRANT}&client_id=a%0Ab`, 'invalid_request'],
    ['a client_id of 129 characters', `${GRANT}&client_id=${'a'.repeat(129)}`, 'invalid_request'],
    ['a resource of 2049 characters', `${GRANT}&resource=${'a'.repeat(2049)}`, 'invalid_request'],
    ['a scope of 2049 characters', `${GRANT}&scope=${'a'.repeat(2049)}`, 'invalid_request'],
    ['a context that is no JSON', `${GRANT}&context=BP-1042`, 'invalid_request'],
  ])('%s: %s gives %s', (_what, body, code) => {
    expect(refusal(() => parseTokenRequest(body))).toBe(code);
  });

  test('a SPIFFE ID may be longer than a label', () => {
    const id = `spiffe://acme.example/${'x'.repeat(500)}`;
    expect(parseTokenRequest(`${GRANT}&client_id=${id}`).clientId).toBe(id);
  });

  test('any body is parsed or gives one of three codes, nothing else', () => {
    const name = fc.constantFrom('grant_type', 'client_id', 'resource', 'scope', 'context', 'x');
    const form = fc
      .array(fc.tuple(name, fc.oneof(fc.string(), fc.constant('client_credentials'), fc.json())))
      .map((pairs) => new URLSearchParams(pairs).toString());
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          form,
          form.map((f) => `${GRANT}&${f}`),
        ),
        (body) => {
          expect([undefined, 'invalid_request', 'unsupported_grant_type', 'invalid_scope', 'invalid_target']).toContain(
            refusal(() => parseTokenRequest(body)),
          );
        },
      ),
      { numRuns: 500 },
    );
  });
});

test('parseScope: nothing given is undefined, an empty text is an empty set', () => {
  expect(parseScope(undefined)).toBeUndefined();
  expect(parseScope('')).toEqual([]);
});

const response: TokenResponse = {
  accessToken: 'eyJhbGciOiJFUzI1NiJ9.e30.c2ln',
  tokenType: 'DPoP',
  expiresIn: 900,
  scope: 'journal.write',
  leaseId: 'ls_01ARYZ6S41TSV4RRFFQ69G5FAV',
  rotateAt: new Date('2026-11-22T12:07:30.000Z'),
  recordId: 'rec-1',
};
const wire = formatTokenResponse(response);
const parsed = (over: Record<string, unknown>): TokenResponse =>
  parseTokenResponse(JSON.stringify({ ...wire, ...over }), 'DPoP');

describe('token answer', () => {
  test('RFC 6749 §5.1, RFC 9449 §5: the members of OAuth, and ours beside them', () => {
    expect(wire).toEqual({
      access_token: response.accessToken,
      token_type: 'DPoP',
      expires_in: 900,
      scope: 'journal.write',
      lease_id: response.leaseId,
      rotate_at: '2026-11-22T12:07:30.000Z',
      record_id: 'rec-1',
    });
  });

  test('RFC 8705 §3: a token bound to a certificate is a Bearer token, and no other is taken where one was asked for', () => {
    const bound = formatTokenResponse({ ...response, tokenType: 'Bearer' });
    expect(bound.token_type).toBe('Bearer');
    expect(parseTokenResponse(JSON.stringify(bound), 'Bearer').tokenType).toBe('Bearer');
    expect(refusal(() => parseTokenResponse(JSON.stringify(wire), 'Bearer'))).toBe('protocol_error');
  });

  test('RFC 6749 §3.3: a scope of nothing is left out', () => {
    expect(formatTokenResponse({ ...response, scope: '' })).not.toHaveProperty('scope');
  });

  test('what is formatted is parsed as the same', () => {
    const any = fc.record({
      accessToken: fc.stringMatching(/^[A-Za-z0-9._~+/-]{1,200}={0,2}$/),
      tokenType: fc.constantFrom<TokenType>('DPoP', 'Bearer'),
      expiresIn: fc.integer({ min: 1, max: 86_400 }),
      scope: fc.stringMatching(/^([a-z.]{1,10}( [a-z.]{1,10})?)?$/),
      leaseId,
      rotateAt: fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }),
      recordId: fc.string({ minLength: 1 }),
      logHead: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(any, (one) => {
        expect(parseTokenResponse(JSON.stringify(formatTokenResponse(one)), one.tokenType)).toEqual(one);
      }),
    );
  });

  test.each([
    ['RFC 6749 §5.1: token_type is compared without regard to case', { token_type: 'dpop' }, {}],
    ['RFC 6749 §5.1: scope may be left out', { scope: undefined }, { scope: '' }],
    ['members that are not known are ignored', { refresh_token: 'x', issued_token_type: 1 }, {}],
    ['RFC 3339: an offset, and fractions of any length', { rotate_at: '2026-11-22T13:07:30.000000+01:00' }, {}],
  ])('%s', (_rule, over, expected) => {
    expect(parsed(over)).toEqual({ ...response, ...expected });
  });

  test.each<[what: string, over: Record<string, unknown>]>([
    ['RFC 9449 §5: a bearer token where one bound to our key was asked for', { token_type: 'Bearer' }],
    ['no token_type', { token_type: undefined }],
    ['no access_token', { access_token: undefined }],
    ['an access_token that is no text', { access_token: ['a'] }],
    ['RFC 9449 §7.1: an access_token that ends its header early', { access_token: 'a\r\nX: y' }],
    ['an access_token with a space', { access_token: 'a b' }],
    ['an access_token outside ASCII', { access_token: 'é' }],
    ['no expires_in', { expires_in: undefined }],
    ['expires_in as text', { expires_in: '900' }],
    ['a token that has expired', { expires_in: 0 }],
    ['a token that expired before', { expires_in: -1 }],
    ['a token for ever', { expires_in: 1e12 }],
    ['a scope that is no text', { scope: ['a'] }],
    ['no lease_id', { lease_id: undefined }],
    ['a lease_id that is none, as it stands in a URL path later', { lease_id: '../admin' }],
    ['no rotate_at', { rotate_at: undefined }],
    ['rotate_at as a number', { rotate_at: 1_700_000_000 }],
    ['rotate_at that only Date understands', { rotate_at: '1' }],
    ['rotate_at without an offset', { rotate_at: '2026-11-22T12:07:30' }],
    ['rotate_at on no day', { rotate_at: '2026-13-45T12:07:30Z' }],
    ['no record_id', { record_id: undefined }],
    ['an empty record_id', { record_id: '' }],
  ])('%s is refused', (_what, over) => {
    expect(refusal(() => parsed(over))).toBe('protocol_error');
  });

  test('a refusal repeats nothing of the answer', () => {
    expect(() => parsed({ access_token: 'canary 4f1', expires_in: 'canary' })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('canary') as string }),
    );
  });

  test('any text is parsed or gives protocol_error, nothing else', () => {
    const members = fc
      .dictionary(fc.constantFrom(...Object.keys(wire)), fc.jsonValue())
      .map((over) => JSON.stringify({ ...wire, ...over }));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), members), (body) => {
        expect([undefined, 'protocol_error']).toContain(refusal(() => parseTokenResponse(body, 'DPoP')));
      }),
      { numRuns: 500 },
    );
  });
});
