// A certified OpenID provider, unmodified, as the issuer of DPoP-bound tokens: our resource server accepts them, and
// refuses them unbound, replayed or for another audience.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createProof, generateHolderKey, type HolderKey } from '@tallystick/dpop';
import { createVerifier, Refusal, type Verifier } from '@tallystick/resource-server';
import Provider from 'oidc-provider';
import { afterAll, beforeAll, expect, test } from 'vitest';

const AUDIENCE = 'https://ledger.acme.example';
const URL_OF_API = 'https://ledger.acme.example/journal';
let server: Server;
let issuer: string;
let verifier: Verifier;
let key: HolderKey;

beforeAll(async () => {
  server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const resource = (audience: string) => ({
    scope: 'journal.write',
    audience,
    accessTokenTTL: 300,
    accessTokenFormat: 'jwt' as const,
    jwt: { sign: { alg: 'RS256' as const } },
  });
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'close-batch',
        client_secret: 'a-secret-of-the-test',
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
      },
    ],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true },
      resourceIndicators: { enabled: true, getResourceServerInfo: (_context, asked) => resource(asked) },
    },
    scopes: ['journal.write'],
  });
  const handle = provider.callback();
  server.on('request', (request, response) => void handle(request, response));
  verifier = createVerifier({
    issuers: [{ issuer, jwks: `${issuer}/jwks`, subjects: ['close-batch'] }],
    audience: AUDIENCE,
    publicOrigins: ['https://ledger.acme.example'],
  });
  key = await generateHolderKey();
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function tokenOf(audience: string, bound: boolean): Promise<string> {
  const proof = createProof(key, { method: 'POST', url: `${issuer}/token`, iat: Date.now() / 1000 });
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from('close-batch:a-secret-of-the-test').toString('base64')}`,
      ...(bound && { dpop: proof }),
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'journal.write', resource: audience }),
  });
  const answer = (await response.json()) as { access_token?: string; error?: string };
  if (!answer.access_token) throw new Error(JSON.stringify(answer));
  return answer.access_token;
}

function requestWith(token: string, scheme = 'DPoP', proof?: string): Request {
  const dpop =
    proof ?? createProof(key, { method: 'GET', url: URL_OF_API, iat: Date.now() / 1000, accessToken: token });
  return new Request(URL_OF_API, { headers: { authorization: `${scheme} ${token}`, dpop } });
}

async function refusalOf(request: Request): Promise<string> {
  const error: unknown = await verifier.verify(request).then(
    () => new Error('it was accepted'),
    (refused: unknown) => refused,
  );
  if (!Refusal.is(error)) throw error;
  return `${error.status} ${error.headers['WWW-Authenticate'] ?? ''}`;
}

test('a token bound by oidc-provider is accepted with a proof by its key', async () => {
  const caller = await verifier.verify(requestWith(await tokenOf(AUDIENCE, true)));
  expect(caller).toMatchObject({
    identity: 'close-batch',
    issuer,
    jkt: key.jkt,
    binding: 'dpop',
    scopes: ['journal.write'],
  });
});

test('its token that is bound to no key is refused', async () => {
  const token = await tokenOf(AUDIENCE, false);
  expect(await refusalOf(requestWith(token))).toContain('401 DPoP error="invalid_token"');
  expect(await refusalOf(requestWith(token, 'Bearer'))).toContain('401');
});

test('a proof that was used before is refused', async () => {
  const token = await tokenOf(AUDIENCE, true);
  const proof = createProof(key, { method: 'GET', url: URL_OF_API, iat: Date.now() / 1000, accessToken: token });
  await verifier.verify(requestWith(token, 'DPoP', proof));
  expect(await refusalOf(requestWith(token, 'DPoP', proof))).toContain('error="invalid_dpop_proof"');
});

test('its token for another audience is refused', async () => {
  const token = await tokenOf('https://payroll.acme.example', true);
  expect(await refusalOf(requestWith(token))).toContain('401 DPoP error="invalid_token"');
});
