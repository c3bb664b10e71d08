// A certified OpenID provider, unmodified, held to the contract of providers.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createProof, generateHolderKey } from '@tallystick/dpop';
import { decodeJwt, exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose';
import Provider, { errors } from 'oidc-provider';
import { afterAll, beforeAll } from 'vitest';
import { oauthKind } from '../../sidecar/src/providers/oauth.ts';
import { providerContract } from '../../sidecar/test/providers/contract.ts';

const AUDIENCE = 'https://ledger.acme.example';
const [holder, client] = [await generateHolderKey(), await generateKeyPair('ES256')];
/** `jti` of the assertions by which it has given tokens. */
const assertions: string[] = [];
let server: Server;
let issuer: string;
let isDenied = false;

beforeAll(async () => {
  server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** Lets it be the issuer at `url`. */
async function serveProvider(url: string): Promise<void> {
  issuer = url;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'close-batch',
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'ES256',
        jwks: { keys: [(await exportJWK(client.publicKey)) as JWK & { kty: 'EC' }] as never },
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
      },
    ],
    enabledJWA: { clientAuthSigningAlgValues: ['ES256'] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo(_context, audience) {
          if (isDenied) throw new errors.InvalidTarget();
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
  provider.on('grant.success', ({ oidc }) => {
    assertions.push(decodeJwt((oidc.body as { client_assertion: string }).client_assertion).jti!);
  });
  const handle = provider.callback();
  server.on('request', (request, response) => void handle(request, response));
}

providerContract({
  title: 'oauth, oidc-provider',
  kind: oauthKind,
  serverUrl: () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  async settings(url) {
    await serveProvider(url);
    return { type: 'oauth', issuer: url, client: { id: 'close-batch' } };
  },
  credential: { audience: AUDIENCE, scope: 'journal.write' },
  sign: (_role, claims, { typ = 'JWT' } = {}) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ }).sign(client.privateKey),
  applicant: () => ({
    upstreamProof: createProof(holder, { method: 'POST', url: `${issuer}/token`, iat: Math.floor(Date.now() / 1000) }),
  }),
  makes: ({ method }) => method === 'POST',
  async deny() {
    isDenied = true;
    return async () => {
      isDenied = false;
    };
  },
  namesLease: async (leaseId) => assertions.includes(`${leaseId}-client`),
  accepted: async ({ material }) => decodeJwt((material as { token: string }).token).aud === AUDIENCE,
  secrets: () => [],
  cannot: {
    keep: 'a token ends by itself, and nothing else is left of it',
    session: 'the client proves itself with each request',
    renew: 'a token is replaced, never extended',
    revoke: 'a token ends by itself',
  },
});
