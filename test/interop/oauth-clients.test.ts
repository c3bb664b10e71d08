// Other people's OAuth clients, unmodified, against the sidecar: they know nothing of it but its issuer URL, and a
// fetch that reaches its origin through a Unix socket.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createVerifier } from '@tallystick/resource-server';
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { Agent, fetch as undiciFetch } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AUDIENCE, ISSUER, SERVICE, startDaemon, type Daemon } from '../daemon/daemon.ts';

let daemon: Daemon;
let agent: Agent;
let api: { url: string; callers: string[]; nonceRounds: () => number; close: () => void };
let overSocket: (url: string, init: object) => Promise<Response>;
const seen: { url: string; status: number }[] = [];

beforeAll(async () => {
  daemon = await startDaemon();
  agent = new Agent({ connect: { socketPath: daemon.socket } });
  overSocket = async (url, init) => {
    const response = (await undiciFetch(url.replace(/^https:/, 'http:'), {
      ...init,
      dispatcher: agent,
    })) as unknown as Response;
    seen.push({ url, status: response.status });
    return response;
  };
  api = await startApi();
});
afterAll(async () => {
  api.close();
  await agent.close();
  await daemon[Symbol.asyncDispose]();
});

/** An API that asks for nonces too: rounds happen in both directions. */
async function startApi(): Promise<typeof api> {
  const callers: string[] = [];
  let rounds = 0;
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const verifier = createVerifier({
    issuers: [{ issuer: ISSUER, jwks: `${daemon.publicUrl}/jwks`, subjects: ['spiffe://acme.example/payments/'] }],
    audience: AUDIENCE,
    publicOrigins: [url],
    nonceSecret: new Uint8Array(32).fill(7),
  });
  server.on('request', (request, response) => {
    verifier.verify(request).then(
      (caller) => {
        callers.push(caller.identity);
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}');
      },
      (refusal: { status: number; headers: Record<string, string>; body: string }) => {
        if (refusal.headers['WWW-Authenticate']?.includes('use_dpop_nonce')) rounds++;
        response.writeHead(refusal.status, refusal.headers).end(refusal.body);
      },
    );
  });
  return { url, callers, nonceRounds: () => rounds, close: () => server.close() };
}

test('oauth4webapi discovers the sidecar, gets a DPoP token and uses it, with a nonce round at each server', async () => {
  const options = { [oauth.customFetch]: overSocket };
  const issuer = new URL(ISSUER);
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...options }),
  );
  const me: oauth.Client = { client_id: 'oauth4webapi' };
  const DPoP = oauth.DPoP(me, await oauth.generateKeyPair('ES256'));
  const grant = async (): Promise<oauth.TokenEndpointResponse> =>
    oauth.processClientCredentialsResponse(
      server,
      me,
      await oauth.clientCredentialsGrantRequest(server, me, oauth.None(), { resource: AUDIENCE }, { DPoP, ...options }),
    );
  const before = seen.length;
  const token = await grant().catch((error: unknown) => {
    expect(oauth.isDPoPNonceError(error)).toBe(true);
    return grant();
  });
  expect(seen.slice(before).map(({ status }) => status)).toEqual([400, 200]);
  expect(token.token_type).toBe('dpop');
  expect(token.lease_id).toMatch(/^ls_/);

  const call = (): Promise<Response> =>
    oauth.protectedResourceRequest(token.access_token, 'GET', new URL(api.url), new Headers(), null, {
      DPoP,
      [oauth.allowInsecureRequests]: true,
    });
  const rounds = api.nonceRounds();
  const response = await call().catch((error: unknown) => {
    expect(oauth.isDPoPNonceError(error)).toBe(true);
    return call();
  });
  expect(response.status).toBe(200);
  expect(api.nonceRounds()).toBe(rounds + 1);
  expect(api.callers.at(-1)).toBe(SERVICE);
  // The nonce is kept: the next calls take one round each.
  expect((await call()).status).toBe(200);
  expect(api.nonceRounds()).toBe(rounds + 1);
});

test('openid-client discovers the sidecar, gets a DPoP token and uses it', async () => {
  const config = await client.discovery(new URL(ISSUER), 'openid-client', undefined, client.None(), {
    algorithm: 'oauth2',
    [client.customFetch]: overSocket,
  });
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'));
  const token = await client.clientCredentialsGrant(config, { resource: AUDIENCE }, { DPoP });
  expect(token.token_type).toBe('dpop');
  const plain = new client.Configuration(config.serverMetadata(), 'openid-client');
  client.allowInsecureRequests(plain);
  const response = await client.fetchProtectedResource(
    plain,
    token.access_token,
    new URL(api.url),
    'GET',
    null,
    new Headers(),
    { DPoP },
  );
  expect(response.status).toBe(200);
  expect(api.callers.at(-1)).toBe(SERVICE);
});

test('oauth4webapi judges our tokens and proofs valid (validateJwtAccessToken, DPoP required)', async () => {
  const options = { [oauth.customFetch]: overSocket };
  const issuer = new URL(ISSUER);
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...options }),
  );
  const { connect } = await import('@tallystick/sdk');
  await using identity = await connect({ socket: daemon.socket });
  const { authorization, dpop } = await identity.authorize({ method: 'GET', url: `${AUDIENCE}/journal` });
  const request = new Request(`${AUDIENCE}/journal`, { headers: { authorization, dpop } });
  const claims = await oauth.validateJwtAccessToken(server, request, AUDIENCE, { requireDPoP: true, ...options });
  expect(claims.sub).toBe(SERVICE);
  const other = new Request(`${AUDIENCE}/other`, { headers: { authorization, dpop } });
  await expect(
    oauth.validateJwtAccessToken(server, other, AUDIENCE, { requireDPoP: true, ...options }),
  ).rejects.toThrow();
});

test('openid-client revokes its own token, and introspection then calls it inactive', async () => {
  const config = await client.discovery(new URL(ISSUER), 'openid-client', undefined, client.None(), {
    algorithm: 'oauth2',
    [client.customFetch]: overSocket,
  });
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'));
  const token = await client.clientCredentialsGrant(config, { resource: AUDIENCE }, { DPoP });
  expect((await client.tokenIntrospection(config, token.access_token)).active).toBe(true);
  await client.tokenRevocation(config, token.access_token);
  expect((await client.tokenIntrospection(config, token.access_token)).active).toBe(false);
});
