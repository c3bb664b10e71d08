import { describe, expect, test } from 'vitest';
import { formatChallenge } from '../src/challenge.ts';
import { nodeRequest, openApi, proofOf, refusalOf, requestWith } from './api.ts';
import { parseChallenges } from './challenges.ts';

const METADATA = 'https://ledger.acme.example/.well-known/oauth-protected-resource';

describe('the answer to a refused request', () => {
  test('RFC 6750 §3.1: tells nothing of an error when no credentials were sent', async () => {
    const { verifier } = await openApi();
    for (const request of [nodeRequest(), nodeRequest(['Authorization', 'Basic dTpw'])]) {
      const refusal = await refusalOf(verifier, request);
      expect(refusal).toMatchObject({
        status: 401,
        error: undefined,
        body: '',
        reason: 'no_credentials',
        code: 'token_missing',
      });
      expect(refusal.headers).toEqual({
        'WWW-Authenticate': `DPoP algs="ES256 ES384 Ed25519 PS256", resource_metadata="${METADATA}"`,
        'Cache-Control': 'no-store',
      });
    }
  });

  test('RFC 9449 §7.1: names error, algorithms and metadata, and is never stored', async () => {
    const { verifier, key, token } = await openApi();
    const refusal = await refusalOf(verifier, requestWith(token, proofOf(key, token, { method: 'PUT' })));
    expect(refusal.headers).toEqual({
      'WWW-Authenticate':
        `DPoP error="invalid_dpop_proof", error_description="'htm' is not the method of the request", ` +
        `algs="ES256 ES384 Ed25519 PS256", resource_metadata="${METADATA}"`,
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
    });
    expect(JSON.parse(refusal.body)).toEqual({
      error: 'invalid_dpop_proof',
      error_description: '"htm" is not the method of the request',
    });
  });

  test('is the same as a Web response', async () => {
    const { verifier, token } = await openApi();
    const refusal = await refusalOf(verifier, nodeRequest(['Authorization', `DPoP ${token}`]));
    const response = refusal.toResponse();
    expect(response.status).toBe(refusal.status);
    expect(response.headers.get('www-authenticate')).toBe(refusal.headers['WWW-Authenticate']);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toEqual({ error: refusal.error, error_description: refusal.description });
  });

  test('RFC 9449 §7.2: offers both schemes where both are taken, and tells the error in the one that was used', async () => {
    const { verifier, issuer } = await openApi({ dangerouslyAcceptBearerTokens: true });
    const schemes = (refusal: Awaited<ReturnType<typeof refusalOf>>): unknown =>
      parseChallenges(refusal.headers['WWW-Authenticate']!).map(({ scheme, parameters }) => [scheme, parameters.error]);
    expect(schemes(await refusalOf(verifier, nodeRequest()))).toEqual([
      ['DPoP', undefined],
      ['Bearer', undefined],
    ]);
    const both = nodeRequest(['Authorization', 'Bearer a'], ['Authorization', 'DPoP b']);
    expect(schemes(await refusalOf(verifier, both))).toEqual([
      ['DPoP', 'invalid_request'],
      ['Bearer', 'invalid_request'],
    ]);
    const expired = await issuer.token(undefined, { claims: { exp: 1 } });
    const bearer = nodeRequest(['Authorization', `Bearer ${expired}`]);
    expect(schemes(await refusalOf(verifier, bearer))).toEqual([['Bearer', 'invalid_token']]);
  });

  test('holds nothing that a header may not, whatever the path of the request', async () => {
    const { verifier, key, token } = await openApi();
    const request = { ...requestWith(token, proofOf(key, token)), url: '/"\\\u00e9\r\nSet-Cookie: a=b' };
    const refusal = await refusalOf(verifier, request);
    expect(refusal.reason).toBe('proof_htu');
    expect(refusal.headers['WWW-Authenticate']).toMatch(/^[\x20-\x7e]+$/);
    const [challenge] = parseChallenges(refusal.headers['WWW-Authenticate']!);
    expect(challenge?.parameters.error).toBe('invalid_dpop_proof');
  });
});

test('RFC 9110 §11.6.1: a challenge without parameters is the scheme alone', () => {
  expect(formatChallenge({ schemes: ['Bearer'] })).toBe('Bearer');
});

test('a bearer token is accepted where the API asks for it in words, with binding "none"', async () => {
  const { verifier, issuer } = await openApi({ dangerouslyAcceptBearerTokens: true });
  const token = await issuer.token(undefined);
  const caller = await verifier.verify(nodeRequest(['Authorization', `Bearer ${token}`]));
  expect(caller).toMatchObject({ binding: 'none', jkt: undefined });
});
