import { accessTokenHash, generateHolderKey, thumbprint } from '@tallystick/dpop';
import { describe, expect, test } from 'vitest';
import type { RefusalReason } from '../src/index.ts';
import {
  looseKey,
  looseProof,
  nodeRequest,
  openApi,
  proofOf,
  refusalOf,
  requestWith,
  URL_OF_API,
  webRequestWith,
} from './api.ts';
import { AUDIENCE, createIssuer, ISSUER, NOW, SUBJECT, tokenClaims, type TokenOverrides } from './issuer.ts';

describe('an accepted request', () => {
  test('gives the caller with all that the token says of it', async () => {
    const { verifier, key, token } = await openApi();
    const caller = await verifier.verify(requestWith(token, proofOf(key, token)));
    expect(caller).toEqual({
      identity: SUBJECT,
      issuer: ISSUER,
      clientId: SUBJECT,
      owner: { id: 'team-payments', kind: 'team' },
      environment: 'production',
      processes: ['BP-1042'],
      scopes: ['journal.read', 'journal.write'],
      binding: 'dpop',
      jkt: key.jkt,
      leaseId: 'ls_01KAMQ5Q6G0000000000000000',
      tokenId: 'ls_01KAMQ5Q6G0000000000000000',
      expiresAt: new Date((NOW + 840) * 1000),
      claims: tokenClaims(ISSUER, key.jkt),
    });
  });

  test('gives a caller that nobody can change, at any depth', async () => {
    const { verifier, key, token } = await openApi();
    const caller = await verifier.verify(requestWith(token, proofOf(key, token)));
    expect(() => Object.assign(caller, { identity: 'x' })).toThrow(TypeError);
    expect(() => (caller.scopes as string[]).push('admin')).toThrow(TypeError);
    expect(() => Object.assign(caller.claims.cnf as object, { jkt: 'x' })).toThrow(TypeError);
  });

  test('may be a Web request', async () => {
    const { verifier, key, token } = await openApi();
    await expect(verifier.verify(webRequestWith(token, proofOf(key, token)))).resolves.toMatchObject({
      identity: SUBJECT,
    });
  });

  test('may confirm its key with members beside that are not understood (RFC 7800 §3.1), as Keycloak does', async () => {
    const { verifier, key, issuer } = await openApi();
    const token = await issuer.token(key.jkt, { claims: { cnf: { jkt: key.jkt, 'kc-jkt-type': 'DPoP' } } });
    const caller = await verifier.verify(requestWith(token, proofOf(key, token)));
    expect(caller).toMatchObject({ binding: 'dpop', jkt: key.jkt });
    const stolen = await generateHolderKey();
    const refusal = await refusalOf(verifier, requestWith(token, proofOf(stolen, token)));
    expect(refusal.reason).toBe('proof_key');
  });

  test('may have a query, which is no part of htu (RFC 9449 §4.2)', async () => {
    const { verifier, key, token } = await openApi();
    const request = { ...requestWith(token, proofOf(key, token)), url: '/v1/entries?from=2026-11-01#x' };
    await expect(verifier.verify(request)).resolves.toBeDefined();
    await expect(
      verifier.verify(webRequestWith(token, proofOf(key, token), `${URL_OF_API}?a=b`)),
    ).resolves.toBeDefined();
  });

  test('may write its scheme in any case (RFC 9110 §11.1)', async () => {
    const { verifier, key, token } = await openApi();
    await expect(verifier.verify(requestWith(token, proofOf(key, token), 'dpOP'))).resolves.toBeDefined();
  });

  test.each(['ES256', 'ES384', 'Ed25519', 'PS256'] as const)('may be proven by an %s key', async (alg) => {
    const { verifier, issuer } = await openApi();
    const key = await generateHolderKey(alg);
    const token = await issuer.token(key.jkt);
    await expect(verifier.verify(requestWith(token, proofOf(key, token)))).resolves.toMatchObject({ jkt: key.jkt });
  });

  test.each(['ES256', 'ES384', 'ES512', 'Ed25519', 'EdDSA', 'PS256', 'RS256'])(
    'may carry a token signed with %s',
    async (alg) => {
      const other = await createIssuer('https://as.example', alg);
      const { verifier, key } = await openApi({
        issuers: [{ issuer: other.issuer, jwks: other.jwks, subjects: ['spiffe://acme.example/payments/'] }],
      });
      const token = await other.token(key.jkt);
      await expect(verifier.verify(requestWith(token, proofOf(key, token)))).resolves.toMatchObject({
        identity: SUBJECT,
      });
    },
  );

  test('may carry a token of type application/at+jwt (RFC 9068 §4), of several audiences, without our claims', async () => {
    const { verifier, key, issuer } = await openApi();
    const token = await issuer.token(key.jkt, {
      header: { typ: 'application/at+jwt' },
      claims: { aud: ['https://other.example', AUDIENCE], tallystick: undefined, scope: undefined, nbf: NOW },
    });
    const caller = await verifier.verify(requestWith(token, proofOf(key, token)));
    expect(caller).toMatchObject({
      owner: undefined,
      environment: undefined,
      leaseId: undefined,
      processes: [],
      scopes: [],
    });
  });
});

describe('a token is refused', () => {
  const cases: readonly (readonly [why: string, reason: RefusalReason, overrides: TokenOverrides])[] = [
    ['RFC 9068 §4: without "typ"', 'token_typ', { header: { typ: undefined } }],
    ['RFC 9068 §4: of type JWT, as an ID token is', 'token_typ', { header: { typ: 'JWT' } }],
    ['RFC 8725 §3.11: of another type of ours', 'token_typ', { header: { typ: 'tallystick-credential+jwt' } }],
    ['RFC 9068 §4: of type AT+JWT, which is not the text asked for', 'token_typ', { header: { typ: 'AT+JWT' } }],
    ['RFC 9068 §4: unsigned', 'token_alg', { header: { alg: 'none' } }],
    ['RFC 8725 §3.1: with an HMAC', 'token_alg', { header: { alg: 'HS256' }, key: new Uint8Array(32) }],
    ['RFC 7515 §4.1.11: with a critical extension', 'token_malformed', { header: { crit: ['b64'], b64: true } }],
    ['RFC 9068 §4: of an unknown issuer', 'token_issuer', { claims: { iss: 'https://evil.example' } }],
    ['RFC 9068 §4: of an issuer that differs in a slash', 'token_issuer', { claims: { iss: `${ISSUER}/` } }],
    ['RFC 9068 §2.2: without "iss"', 'token_issuer', { claims: { iss: undefined } }],
    ['RFC 9068 §4: by an unknown key', 'token_key', { header: { kid: 'key-2' } }],
    ['RFC 9068 §4: for another audience', 'token_audience', { claims: { aud: 'https://other.example' } }],
    [
      'RFC 9068 §4: for an audience that ours is a part of',
      'token_audience',
      { claims: { aud: `${AUDIENCE}.evil.example` } },
    ],
    ['RFC 9068 §2.2: without "aud"', 'token_claims', { claims: { aud: undefined } }],
    ['RFC 9068 §4: expired this instant', 'token_expired', { claims: { exp: NOW } }],
    ['RFC 9068 §2.2: without "exp"', 'token_claims', { claims: { exp: undefined } }],
    ['RFC 7519 §2: with an "exp" that is no number', 'token_claims', { claims: { exp: String(NOW + 60) } }],
    ['RFC 7519 §4.1.5: before "nbf"', 'token_not_yet_valid', { claims: { nbf: NOW + 11 } }],
    ['RFC 7519 §4.1.6: from the future', 'token_not_yet_valid', { claims: { iat: NOW + 11 } }],
    ['RFC 9068 §2.2: without "iat"', 'token_claims', { claims: { iat: undefined } }],
    ['RFC 9068 §2.2: without "jti"', 'token_claims', { claims: { jti: undefined } }],
    ['RFC 9068 §2.2: without "client_id"', 'token_claims', { claims: { client_id: undefined } }],
    ['RFC 9068 §2.2: without "sub"', 'token_claims', { claims: { sub: undefined } }],
    ['RFC 9068 §2.2.3: with a scope that is no text', 'token_claims', { claims: { scope: ['journal.write'] } }],
    [
      'DESIGN §4.1: of a subject its issuer may not speak for',
      'token_subject',
      { claims: { sub: 'spiffe://acme.example/billing/batch' } },
    ],
    [
      'DESIGN §4.1: of a subject that only begins like one',
      'token_subject',
      { claims: { sub: 'spiffe://acme.example/payments' } },
    ],
    ['RFC 9449 §6: bound to nothing', 'token_unbound', { claims: { cnf: undefined } }],
    ['RFC 7800 §3: bound by what is not known', 'token_confirmation', { claims: { cnf: { x5u: 'A'.repeat(43) } } }],
    ['RFC 7800 §3: with a confirmation that is empty', 'token_confirmation', { claims: { cnf: {} } }],
    ['RFC 7800 §3: with a confirmation that is no object', 'token_confirmation', { claims: { cnf: 'key' } }],
    ['RFC 9449 §6.1: with a "jkt" that is no thumbprint', 'token_confirmation', { claims: { cnf: { jkt: 'short' } } }],
    ['with claims of ours that cannot be read', 'token_claims', { claims: { tallystick: { lease: 1 } } }],
  ];

  test.each(cases)('%s', async (_why, reason, overrides) => {
    const { verifier, key, issuer } = await openApi();
    const token = await issuer.token(key.jkt, overrides);
    const refusal = await refusalOf(verifier, requestWith(token, proofOf(key, token)));
    expect(refusal).toMatchObject({ reason, status: 401, error: 'invalid_token', code: 'invalid_token' });
  });

  test('RFC 9068 §4: signed by a stranger under the kid of the issuer', async () => {
    const { verifier, key, issuer } = await openApi();
    const stranger = await createIssuer();
    const token = await issuer.token(key.jkt, { key: stranger.privateKey });
    const refusal = await refusalOf(verifier, requestWith(token, proofOf(key, token)));
    expect(refusal).toMatchObject({ reason: 'token_signature', status: 401, error: 'invalid_token' });
  });

  test('RFC 8725 §3.1: with an HMAC under the public key', async () => {
    const { verifier, key, issuer } = await openApi();
    const secret = new TextEncoder().encode(JSON.stringify(issuer.jwk));
    const token = await issuer.token(key.jkt, { header: { alg: 'HS256' }, key: secret });
    expect((await refusalOf(verifier, requestWith(token, proofOf(key, token)))).reason).toBe('token_alg');
  });

  test.each(['a', 'a.b', 'a.b.c', 'a.b.c.d.e', '.', '..', 'e30.e30.', `${'A'.repeat(8000)}.e30.e30`])(
    'that is no JWT: %#',
    async (text) => {
      const { verifier, key } = await openApi();
      const refusal = await refusalOf(verifier, requestWith(text, proofOf(key, text)));
      expect(refusal.status).toBe(401);
      expect(['token_malformed', 'token_alg']).toContain(refusal.reason);
    },
  );

  test('of one trusted issuer, for a subject that another speaks for', async () => {
    const payments = await createIssuer('https://payments.example');
    const billing = await createIssuer('https://billing.example');
    const { verifier, key } = await openApi({
      issuers: [
        { issuer: payments.issuer, jwks: payments.jwks, subjects: ['spiffe://acme.example/payments/'] },
        { issuer: billing.issuer, jwks: billing.jwks, subjects: ['spiffe://acme.example/billing/'] },
      ],
    });
    const crossed = await billing.token(key.jkt);
    expect((await refusalOf(verifier, requestWith(crossed, proofOf(key, crossed)))).reason).toBe('token_subject');
    const own = await payments.token(key.jkt);
    await expect(verifier.verify(requestWith(own, proofOf(key, own)))).resolves.toMatchObject({
      issuer: payments.issuer,
    });
  });

  test('of one trusted issuer, signed with the key of another', async () => {
    const one = await createIssuer('https://one.example');
    const two = await createIssuer('https://two.example');
    const subjects = ['spiffe://acme.example/payments/'];
    const { verifier, key } = await openApi({
      issuers: [
        { issuer: one.issuer, jwks: one.jwks, subjects },
        { issuer: two.issuer, jwks: two.jwks, subjects },
      ],
    });
    const token = await two.token(key.jkt, { claims: { iss: one.issuer } });
    expect((await refusalOf(verifier, requestWith(token, proofOf(key, token)))).reason).toBe('token_signature');
  });

  test('of an algorithm that its issuer is said not to use', async () => {
    const { issuer } = await openApi();
    const { verifier, key } = await openApi({
      issuers: [{ issuer: ISSUER, jwks: issuer.jwks, subjects: [SUBJECT], algorithms: ['PS256'] }],
    });
    const token = await issuer.token(key.jkt);
    expect((await refusalOf(verifier, requestWith(token, proofOf(key, token)))).reason).toBe('token_alg');
  });
});

describe('a proof is refused', () => {
  const claims = (token: string, ath: string): Record<string, unknown> => ({
    jti: `jti-${token.length}`,
    htm: 'GET',
    htu: URL_OF_API,
    iat: NOW,
    ath,
  });

  const cases: readonly (readonly [
    why: string,
    reason: RefusalReason,
    change: { claims?: Record<string, unknown>; header?: Record<string, unknown> },
  ])[] = [
    ['RFC 9449 §4.3 step 4: of another type', 'proof_typ', { header: { typ: 'JWT' } }],
    ['RFC 9449 §4.3 step 4: of type application/dpop+jwt', 'proof_typ', { header: { typ: 'application/dpop+jwt' } }],
    ['RFC 9449 §4.3 step 6: without a key', 'proof_jwk', { header: { jwk: undefined } }],
    ['RFC 9449 §4.3 step 3: without "jti"', 'proof_jti', { claims: { jti: undefined } }],
    ['RFC 9449 §11.1: with a "jti" of 257 characters', 'proof_jti', { claims: { jti: 'x'.repeat(257) } }],
    ['RFC 9449 §4.3 step 8: for another method', 'proof_htm', { claims: { htm: 'POST' } }],
    ['RFC 9449 §4.3 step 8: for the method in another case', 'proof_htm', { claims: { htm: 'get' } }],
    ['RFC 9449 §4.3 step 9: for another path', 'proof_htu', { claims: { htu: `${AUDIENCE}/v1/other` } }],
    ['RFC 9449 §4.3 step 9: for another host', 'proof_htu', { claims: { htu: 'https://evil.example/v1/entries' } }],
    ['RFC 9449 §4.3 step 9: for http', 'proof_htu', { claims: { htu: 'http://ledger.acme.example/v1/entries' } }],
    ['RFC 9449 §4.3 step 9: for a path with a slash more', 'proof_htu', { claims: { htu: `${URL_OF_API}/` } }],
    ['RFC 9449 §4.3 step 11: 61 s old', 'proof_iat', { claims: { iat: NOW - 61 } }],
    ['RFC 9449 §4.3 step 11: 11 s ahead', 'proof_iat', { claims: { iat: NOW + 11 } }],
    ['RFC 9449 §4.3 step 3: without "iat"', 'proof_iat', { claims: { iat: undefined } }],
    ['RFC 9449 §4.3 step 12: without "ath"', 'proof_ath', { claims: { ath: undefined } }],
    ['RFC 9449 §4.3 step 12: for another token', 'proof_ath', { claims: { ath: 'A'.repeat(43) } }],
  ];

  test.each(cases)('%s', async (_why, reason, change) => {
    const { verifier, issuer } = await openApi();
    const key = looseKey();
    const token = await issuer.token(thumbprint(key.publicJwk));
    const proof = await looseProof(key, { ...claims(token, accessTokenHash(token)), ...change.claims }, change.header);
    const refusal = await refusalOf(verifier, requestWith(token, proof));
    expect(refusal).toMatchObject({ reason, status: 401, error: 'invalid_dpop_proof', code: 'invalid_proof' });
  });

  test('at neither edge of its window: 60 s old, 10 s ahead', async () => {
    const { verifier, key, token } = await openApi();
    for (const iat of [NOW - 60, NOW + 10]) {
      await expect(verifier.verify(requestWith(token, proofOf(key, token, { iat })))).resolves.toBeDefined();
    }
  });

  test('by a narrower window, where one is configured', async () => {
    const { verifier, key, token } = await openApi({ proofWindow: { pastSeconds: 5, futureSeconds: 0 } });
    expect((await refusalOf(verifier, requestWith(token, proofOf(key, token, { iat: NOW - 6 })))).reason).toBe(
      'proof_iat',
    );
    expect((await refusalOf(verifier, requestWith(token, proofOf(key, token, { iat: NOW + 1 })))).reason).toBe(
      'proof_iat',
    );
  });

  test('RFC 9449 §7.1: where there is none', async () => {
    const { verifier, token } = await openApi();
    const refusal = await refusalOf(verifier, nodeRequest(['Authorization', `DPoP ${token}`]));
    expect(refusal).toMatchObject({ reason: 'proof_missing', status: 401, error: 'invalid_dpop_proof' });
  });

  test('RFC 9449 §4.3 step 1: where there are two, in Node and in Web requests', async () => {
    const { verifier, key, token } = await openApi();
    const [one, two] = [proofOf(key, token), proofOf(key, token)];
    const inNode = nodeRequest(['Authorization', `DPoP ${token}`], ['DPoP', one], ['dpop', two]);
    expect((await refusalOf(verifier, inNode)).reason).toBe('proof_multiple');
    const inWeb = webRequestWith(token, one);
    inWeb.headers.append('DPoP', two);
    expect((await refusalOf(verifier, inWeb)).reason).toBe('proof_multiple');
  });

  test('RFC 9449 §11.1: the second time, and not for having been refused before', async () => {
    const { verifier, key, token } = await openApi();
    const proof = proofOf(key, token);
    const elsewhere = { ...requestWith(token, proof), method: 'POST' };
    expect((await refusalOf(verifier, elsewhere)).reason).toBe('proof_htm');
    await expect(verifier.verify(requestWith(token, proof))).resolves.toBeDefined();
    const refusal = await refusalOf(verifier, requestWith(token, proof));
    expect(refusal).toMatchObject({
      reason: 'proof_replayed',
      status: 401,
      error: 'invalid_dpop_proof',
      code: 'proof_replayed',
    });
  });

  test('RFC 9449 §11.1: the second time for as long as its "iat" is good', async () => {
    const { verifier, clock, key, token } = await openApi();
    const proof = proofOf(key, token, { iat: NOW + 10 });
    await expect(verifier.verify(requestWith(token, proof))).resolves.toBeDefined();
    clock.advance(70_000);
    expect((await refusalOf(verifier, requestWith(token, proof))).reason).toBe('proof_replayed');
    clock.advance(1_000);
    expect((await refusalOf(verifier, requestWith(token, proof))).reason).toBe('proof_iat');
  });
});

describe('scope', () => {
  test('RFC 6750 §3.1: too little of it is 403, and the challenge names what is needed', async () => {
    const { verifier, key, token } = await openApi();
    const caller = await verifier.verify(requestWith(token, proofOf(key, token)));
    expect(() => verifier.requireScope(caller, ['journal.write', 'journal.read'])).not.toThrow();
    let refusal: unknown;
    try {
      verifier.requireScope(caller, ['journal.write', 'journal.close']);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toMatchObject({
      status: 403,
      error: 'insufficient_scope',
      reason: 'scope',
      headers: {
        'WWW-Authenticate':
          'DPoP error="insufficient_scope", error_description="the token has too little scope", ' +
          'scope="journal.write journal.close", algs="ES256 ES384 Ed25519 PS256", ' +
          'resource_metadata="https://ledger.acme.example/.well-known/oauth-protected-resource"',
      },
    });
  });
});
