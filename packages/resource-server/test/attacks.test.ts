import { accessTokenHash, generateHolderKey, thumbprint } from '@tallystick/dpop';
import { describe, expect, test } from 'vitest';
import { AUDIENCE, createIssuer, NOW, SUBJECT } from './issuer.ts';
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

describe('a thief who has the token', () => {
  test('gets nowhere without a proof', async () => {
    const { verifier, token } = await openApi();
    const refusal = await refusalOf(verifier, nodeRequest(['Authorization', `DPoP ${token}`]));
    expect(refusal).toMatchObject({ status: 401, error: 'invalid_dpop_proof', reason: 'proof_missing' });
  });

  test('gets nowhere with a good proof by a key of its own (RFC 9449 §7.1: invalid_token)', async () => {
    const { verifier, token } = await openApi();
    const thief = await generateHolderKey();
    const refusal = await refusalOf(verifier, requestWith(token, proofOf(thief, token)));
    expect(refusal).toMatchObject({ status: 401, error: 'invalid_token', reason: 'proof_key' });
  });

  test('gets nowhere by showing it as Bearer, with or without a proof (RFC 9449 §7.2)', async () => {
    const { verifier, key, token } = await openApi();
    for (const request of [
      nodeRequest(['Authorization', `Bearer ${token}`]),
      requestWith(token, proofOf(key, token), 'Bearer'),
    ]) {
      expect(await refusalOf(verifier, request)).toMatchObject({
        status: 401,
        error: 'invalid_token',
        reason: 'bearer',
      });
    }
  });

  test('gets nowhere by showing it as Bearer to an API that takes bearer tokens (RFC 9449 §7.2)', async () => {
    const { verifier, key, token } = await openApi({ dangerouslyAcceptBearerTokens: true });
    const bare = await refusalOf(verifier, nodeRequest(['Authorization', `Bearer ${token}`]));
    expect(bare).toMatchObject({ status: 401, error: 'invalid_token', reason: 'bound_as_bearer' });
    const proven = await refusalOf(verifier, requestWith(token, proofOf(key, token), 'Bearer'));
    expect(proven).toMatchObject({ status: 400, error: 'invalid_request', reason: 'bearer_with_proof' });
  });

  test('gets nowhere with a proof for another token of the same key', async () => {
    const { verifier, issuer, key, token } = await openApi();
    const other = await issuer.token(key.jkt, { claims: { jti: 'another' } });
    expect((await refusalOf(verifier, requestWith(token, proofOf(key, other)))).reason).toBe('proof_ath');
  });

  test('gets nowhere with a captured proof, be it on another route or on the same one', async () => {
    const { verifier, key, token } = await openApi();
    const proof = proofOf(key, token);
    await verifier.verify(requestWith(token, proof));
    expect((await refusalOf(verifier, requestWith(token, proof))).reason).toBe('proof_replayed');
    expect((await refusalOf(verifier, { ...requestWith(token, proof), url: '/v1/other' })).reason).toBe('proof_htu');
    expect((await refusalOf(verifier, { ...requestWith(token, proof), method: 'DELETE' })).reason).toBe('proof_htm');
  });

  test('gets nowhere with a captured proof that it writes in another way', async () => {
    const { verifier, key, token } = await openApi();
    const proof = proofOf(key, token);
    await verifier.verify(requestWith(token, proof));
    for (const rewritten of [`${proof}=`, ` ${proof}`, proof.replace('.', '=.'), `${proof},`]) {
      expect((await refusalOf(verifier, requestWith(token, rewritten))).status).toBe(401);
    }
  });

  test('gets nowhere with a proof whose signature or claims it changed', async () => {
    const { verifier, key, token } = await openApi();
    const [header, payload, signature] = proofOf(key, token, { method: 'POST' }).split('.') as [string, string, string];
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
    const changed = Buffer.from(JSON.stringify({ ...claims, htm: 'GET' })).toString('base64url');
    expect((await refusalOf(verifier, requestWith(token, `${header}.${changed}.${signature}`))).reason).toBe(
      'proof_signature',
    );
    const zeros = Buffer.alloc(64).toString('base64url');
    expect((await refusalOf(verifier, requestWith(token, `${header}.${payload}.${zeros}`))).reason).toBe(
      'proof_signature',
    );
  });
});

describe('a proof that brings its own rules', () => {
  test('RFC 9449 §4.3 step 5: cannot be unsigned or symmetric', async () => {
    const { verifier, issuer } = await openApi();
    const secret = Buffer.from('a secret of thirty-two characters').toString('base64url');
    for (const header of [
      { typ: 'dpop+jwt', alg: 'none', jwk: looseKey().publicJwk },
      { typ: 'dpop+jwt', alg: 'HS256', jwk: { kty: 'oct', k: secret } },
      { typ: 'dpop+jwt', alg: 'RS256', jwk: looseKey().publicJwk },
    ]) {
      const token = await issuer.token(thumbprint(looseKey().publicJwk));
      const claims = { jti: 'j', htm: 'GET', htu: URL_OF_API, iat: NOW, ath: accessTokenHash(token) };
      const parts = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
      const proof = `${parts.join('.')}.${Buffer.alloc(32).toString('base64url')}`;
      expect((await refusalOf(verifier, requestWith(token, proof))).reason).toBe('proof_alg');
    }
  });

  test('RFC 9449 §4.3 step 7: cannot carry its private key', async () => {
    const { verifier, issuer } = await openApi();
    const key = looseKey();
    const token = await issuer.token(thumbprint(key.publicJwk));
    const jwk = key.privateKey.export({ format: 'jwk' });
    const claims = { jti: 'j', htm: 'GET', htu: URL_OF_API, iat: NOW, ath: accessTokenHash(token) };
    const proof = await looseProof(key, claims, { jwk });
    expect((await refusalOf(verifier, requestWith(token, proof))).reason).toBe('proof_private_jwk');
  });
});

describe('a JWT of another kind, signed by the same issuer, is no access token', () => {
  const claims = { iss: 'https://tallystick.acme.example', sub: SUBJECT, aud: AUDIENCE, iat: NOW, exp: NOW + 60 };

  test.each([
    ['an ID token', 'JWT'],
    ['a revocation list', 'tallystick-revocations+jwt'],
    ['a sealed credential', 'tallystick-credential+jwt'],
    ['a client assertion', 'client-authentication+jwt'],
    ['a logout token', 'logout+jwt'],
  ])('%s', async (_what, typ) => {
    const { verifier, issuer, key } = await openApi();
    const jwt = await issuer.sign(typ, { ...claims, client_id: SUBJECT, jti: 'j', cnf: { jkt: key.jkt } });
    expect((await refusalOf(verifier, requestWith(jwt, proofOf(key, jwt)))).reason).toBe('token_typ');
  });

  test('a proof', async () => {
    const { verifier, key } = await openApi();
    const proof = proofOf(key, 'x');
    expect((await refusalOf(verifier, requestWith(proof, proofOf(key, proof)))).reason).toBe('token_typ');
  });

  test('nor is an access token a proof', async () => {
    const { verifier, token } = await openApi();
    expect((await refusalOf(verifier, requestWith(token, token))).reason).toBe('proof_typ');
  });
});

describe('a request that says two things at once', () => {
  test('RFC 9449 §7.2: has two Authorization headers, of which Node shows one', async () => {
    const { verifier, key, token } = await openApi();
    const two = nodeRequest(
      ['Authorization', `DPoP ${token}`],
      ['authorization', 'Bearer other'],
      ['DPoP', proofOf(key, token)],
    );
    const refusal = await refusalOf(verifier, two);
    expect(refusal).toMatchObject({ status: 400, error: 'invalid_request', reason: 'multiple_authorization' });
    expect(refusal.headers['WWW-Authenticate']).toContain('DPoP error="invalid_request"');
    const web = webRequestWith(token, proofOf(key, token));
    web.headers.append('authorization', 'Bearer other');
    expect((await refusalOf(verifier, web)).reason).toBe('multiple_authorization');
  });

  test.each(['DPoP', 'DPoP ', 'DPoP a b', 'DPoP token=x', 'DPoP "token"', 'DPoP\ttoken', `DPoP ${'a'.repeat(16_385)}`])(
    'RFC 6750 §3.1: has an Authorization that is no token: %j',
    async (value) => {
      const { verifier } = await openApi();
      const refusal = await refusalOf(verifier, nodeRequest(['Authorization', value]));
      expect(refusal.reason === 'malformed_authorization' ? refusal.status : refusal.reason).toBe(
        value === 'DPoP\ttoken' ? 'no_credentials' : 400,
      );
    },
  );

  test('names a token in the query, where it is not looked for (RFC 9700 §4.3.2)', async () => {
    const { verifier, token } = await openApi();
    const refusal = await refusalOf(verifier, { ...nodeRequest(), url: `/v1/entries?access_token=${token}` });
    expect(refusal.reason).toBe('no_credentials');
  });
});

test('a subject cannot be an issuer of SPIFFE IDs by "*"', async () => {
  const foreign = await createIssuer('https://as.example');
  const { verifier, key } = await openApi({
    issuers: [{ issuer: foreign.issuer, jwks: foreign.jwks, subjects: ['*'] }],
  });
  const own = await foreign.token(key.jkt, { claims: { sub: 'client-7', tallystick: undefined } });
  await expect(verifier.verify(requestWith(own, proofOf(key, own)))).resolves.toMatchObject({ identity: 'client-7' });
  for (const sub of [SUBJECT, SUBJECT.toUpperCase()]) {
    const forged = await foreign.token(key.jkt, { claims: { sub } });
    expect((await refusalOf(verifier, requestWith(forged, proofOf(key, forged)))).reason).toBe('token_subject');
  }
});
