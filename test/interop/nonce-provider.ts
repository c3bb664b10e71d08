import { randomBytes } from 'node:crypto';
import type { JWK } from 'jose';
import Provider, { errors } from 'oidc-provider';

/** What an OpenID provider knows of a sidecar. */
export interface NonceProviderOptions {
  readonly issuer: string;
  /** The public keys by which the sidecar proves that it is `close-batch`. */
  readonly keys: readonly JWK[];
  /** By which it proves that it is `by-secret`. */
  readonly secret: string;
  /** The API that tokens are for. */
  readonly audience: string;
}

/** Returns a certified OpenID provider that wants a nonce in each proof, and binds its tokens by DPoP. */
export function nonceProvider({ issuer, keys, secret, audience }: NonceProviderOptions): Provider {
  const client = { grant_types: ['client_credentials'], response_types: [] as never[], redirect_uris: [] };
  return new Provider(issuer, {
    clients: [
      {
        ...client,
        client_id: 'close-batch',
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'ES256',
        jwks: { keys: keys as never },
        dpop_bound_access_tokens: true,
      },
      { ...client, client_id: 'by-secret', client_secret: secret },
    ],
    enabledJWA: { clientAuthSigningAlgValues: ['ES256'] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, asked) => {
          if (asked !== audience) throw new errors.InvalidTarget();
          return {
            scope: 'journal.write',
            audience,
            accessTokenTTL: 300,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'RS256' } },
          };
        },
      },
    },
    scopes: ['journal.write'],
  });
}
