import { describe, expect, test } from 'vitest';
import { openApi, nodeRequest, refusalOf } from './api.ts';
import { AUDIENCE, ISSUER } from './issuer.ts';

const PATH = '/.well-known/oauth-protected-resource';

describe('the metadata of the resource (RFC 9728)', () => {
  test('§2: names the issuers, and that tokens are bound', async () => {
    const { verifier } = await openApi({ scopesSupported: ['journal.write'] });
    expect(verifier.metadata({ ...nodeRequest(), url: PATH })).toEqual({
      resource: AUDIENCE,
      authorization_servers: [ISSUER],
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: ['ES256', 'ES384', 'Ed25519', 'PS256'],
      dpop_bound_access_tokens_required: true,
      scopes_supported: ['journal.write'],
    });
  });

  test('§3.1: of a resource with a path is found where the challenge says', async () => {
    const { verifier } = await openApi({ publicOrigins: ['https://api.acme.example/ledger'] });
    const challenge = (await refusalOf(verifier, nodeRequest())).headers['WWW-Authenticate'];
    expect(challenge).toContain(`resource_metadata="https://api.acme.example${PATH}/ledger"`);
    for (const url of [`${PATH}/ledger`, `${PATH}/ledger?x`, PATH]) {
      expect(verifier.metadata({ ...nodeRequest(), url })?.resource).toBe('https://api.acme.example/ledger');
    }
  });

  test('§3.3: has the resource by which it was asked for, of several, in the spelling of the audience', async () => {
    const { verifier } = await openApi({
      publicOrigins: ['https://a.example', 'https://b.example'],
      audience: ['ledger', 'https://b.example/'],
    });
    const at = (host: string): string | undefined =>
      verifier.metadata({ method: 'GET', url: PATH, rawHeaders: ['Host', host] })?.resource;
    expect(at('a.example')).toBe('https://a.example');
    expect(at('b.example')).toBe('https://b.example/');
    expect(at('c.example')).toBeUndefined();
  });

  test('is nothing at other paths, and for other methods', async () => {
    const { verifier } = await openApi();
    for (const url of ['/', `${PATH}x`, `${PATH}/x`, `/x${PATH}`]) {
      expect(verifier.metadata({ ...nodeRequest(), url })).toBeUndefined();
    }
    expect(verifier.metadata({ ...nodeRequest(), url: PATH, method: 'POST' })).toBeUndefined();
    expect(verifier.metadata(new Request(`${AUDIENCE}${PATH}`))).toBeDefined();
  });

  test('says when bearer tokens are taken', async () => {
    const { verifier } = await openApi({ dangerouslyAcceptBearerTokens: true });
    expect(verifier.metadata({ ...nodeRequest(), url: PATH })?.dpop_bound_access_tokens_required).toBe(false);
  });
});
