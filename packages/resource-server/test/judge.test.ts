import { generateHolderKey, thumbprint } from '@tallystick/dpop';
import { createLocalJWKSet, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import { describe, expect, test, vi } from 'vitest';
import { looseKey, looseProof, openApi, proofOf, URL_OF_API, webRequestWith, type TestApi } from './api.ts';
import { AUDIENCE, ISSUER, NOW, SUBJECT, type TokenOverrides } from './issuer.ts';

// oauth4webapi judges by the machine's clock.
vi.useFakeTimers({ toFake: ['Date'], now: NOW * 1000 });

/** What oauth4webapi says of a request to the same API. */
async function judgeAccepts({ issuer }: TestApi, request: Request): Promise<boolean> {
  try {
    await oauth.validateJwtAccessToken({ issuer: ISSUER, jwks_uri: `${ISSUER}/jwks` }, request, AUDIENCE, {
      requireDPoP: true,
      [oauth.jwksCache]: { jwks: structuredClone(issuer.jwks) as unknown as oauth.JWKS, uat: NOW },
    });
    return true;
  } catch {
    return false;
  }
}

async function weAccept({ verifier }: TestApi, request: Request): Promise<boolean> {
  return verifier.verify(request).then(
    () => true,
    () => false,
  );
}

describe('oauth4webapi as the judge', () => {
  const tokens: readonly TokenOverrides[] = [
    {},
    { header: { typ: 'application/at+jwt' } },
    { header: { typ: 'JWT' } },
    { header: { typ: undefined } },
    { header: { kid: undefined } },
    { header: { kid: 'other' } },
    { claims: { aud: [AUDIENCE, 'x'] } },
    { claims: { aud: 'x' } },
    { claims: { aud: [] } },
    { claims: { iss: `${ISSUER}/` } },
    { claims: { exp: NOW } },
    { claims: { exp: NOW + 0.5 } },
    { claims: { exp: undefined } },
    { claims: { nbf: NOW } },
    { claims: { nbf: NOW + 5 } },
    { claims: { nbf: 'soon' } },
    { claims: { jti: undefined } },
    { claims: { jti: 1 } },
    { claims: { client_id: undefined } },
    { claims: { sub: undefined } },
    { claims: { sub: 'spiffe://acme.example/billing' } },
    { claims: { iat: undefined } },
    { claims: { cnf: undefined } },
    { claims: { cnf: {} } },
    { claims: { cnf: { jkt: 'A'.repeat(43) } } },
    { claims: { cnf: { 'x5t#S256': 'A'.repeat(43) } } },
    { claims: { tallystick: undefined, scope: undefined } },
  ];

  test.each(tokens.map((overrides) => [JSON.stringify(overrides), overrides] as const))(
    'accepts every token that we accept: %s',
    async (_text, overrides) => {
      const api = await openApi();
      const token = await api.issuer.token(api.key.jkt, overrides);
      const ours = await weAccept(api, webRequestWith(token, proofOf(api.key, token)));
      const judged = await judgeAccepts(api, webRequestWith(token, proofOf(api.key, token)));
      expect({ ours, judged }).not.toEqual({ ours: true, judged: false });
    },
  );

  test.each(['ES256', 'ES384', 'Ed25519', 'PS256'] as const)(
    'accepts our proofs by %s keys, and so do we',
    async (alg) => {
      const api = await openApi();
      const key = await generateHolderKey(alg);
      const token = await api.issuer.token(key.jkt);
      expect(await weAccept(api, webRequestWith(token, proofOf(key, token)))).toBe(true);
      expect(await judgeAccepts(api, webRequestWith(token, proofOf(key, token)))).toBe(true);
    },
  );

  const proofs: readonly (readonly [claims: Record<string, unknown>, header: Record<string, unknown>])[] = [
    [{}, {}],
    [{}, { typ: 'JWT' }],
    [{}, { typ: 'application/dpop+jwt' }],
    [{}, { kid: 'x' }],
    [{ jti: undefined }, {}],
    [{ jti: '' }, {}],
    [{ htm: 'POST' }, {}],
    [{ htu: `${URL_OF_API}?a=b` }, {}],
    [{ htu: `${URL_OF_API}#a` }, {}],
    [{ htu: URL_OF_API.toUpperCase() }, {}],
    [{ htu: URL_OF_API.replace('https', 'HTTPS') }, {}],
    [{ htu: URL_OF_API.replace('.example/', '.example:443/') }, {}],
    [{ htu: `${AUDIENCE}/v1/x/../entries` }, {}],
    [{ htu: 7 }, {}],
    [{ iat: NOW - 60 }, {}],
    [{ iat: NOW - 301 }, {}],
    [{ iat: NOW + 10 }, {}],
    [{ iat: String(NOW) }, {}],
    [{ ath: 'A'.repeat(43) }, {}],
    [{ ath: undefined }, {}],
    [{ exp: NOW - 1 }, {}],
    [{ nbf: NOW + 300 }, {}],
    [{ nonce: 'x' }, {}],
  ];

  test.each(proofs.map(([claims, header]) => [JSON.stringify({ claims, header }), claims, header] as const))(
    'accepts every proof that we accept: %s',
    async (_text, claims, header) => {
      const api = await openApi();
      const key = looseKey();
      const token = await api.issuer.token(thumbprint(key.publicJwk));
      const ath = await oauth.calculatePKCECodeChallenge(token);
      const mint = (jti: string): Promise<string> =>
        looseProof(key, { jti, htm: 'GET', htu: URL_OF_API, iat: NOW, ath, ...claims }, header);
      const ours = await weAccept(api, webRequestWith(token, await mint('ours')));
      const judged = await judgeAccepts(api, webRequestWith(token, await mint('judged')));
      expect({ ours, judged }).not.toEqual({ ours: true, judged: false });
    },
  );

  test('accepts what we accept of a good request at all: the comparison is not empty', async () => {
    const api = await openApi();
    expect(await judgeAccepts(api, webRequestWith(api.token, proofOf(api.key, api.token)))).toBe(true);
    expect(await weAccept(api, webRequestWith(api.token, proofOf(api.key, api.token)))).toBe(true);
  });

  test('finds our challenge in its own words: error, algorithms, metadata', async () => {
    const api = await openApi();
    const request = webRequestWith(api.token, proofOf(api.key, api.token, { method: 'PUT' }));
    const refusal = (await api.verifier.verify(request).catch((error: unknown) => error)) as { toResponse(): Response };
    const error = await oauth
      .protectedResourceRequest('x', 'GET', new URL(URL_OF_API), undefined, undefined, {
        [oauth.customFetch]: () => Promise.resolve(refusal.toResponse()),
      })
      .catch((thrown: unknown) => thrown as oauth.WWWAuthenticateChallengeError);
    expect(error).toBeInstanceOf(oauth.WWWAuthenticateChallengeError);
    expect((error as oauth.WWWAuthenticateChallengeError).cause).toMatchObject([
      {
        scheme: 'dpop',
        parameters: {
          error: 'invalid_dpop_proof',
          algs: 'ES256 ES384 Ed25519 PS256',
          resource_metadata: `${AUDIENCE}/.well-known/oauth-protected-resource`,
        },
      },
    ]);
  });

  test('reads our metadata', async () => {
    const { verifier } = await openApi();
    const metadata = verifier.metadata(new Request(`${AUDIENCE}/.well-known/oauth-protected-resource`));
    const response = Response.json(metadata);
    const read = await oauth.processResourceDiscoveryResponse(new URL(AUDIENCE), response);
    expect(read.authorization_servers).toEqual([ISSUER]);
  });
});

test('jose accepts the tokens that we accept', async () => {
  const { issuer, verifier, key, token } = await openApi();
  await expect(verifier.verify(webRequestWith(token, proofOf(key, token)))).resolves.toBeDefined();
  const options = { issuer: ISSUER, audience: AUDIENCE, typ: 'at+jwt', subject: SUBJECT };
  await expect(jwtVerify(token, createLocalJWKSet(issuer.jwks), options)).resolves.toBeDefined();
});
