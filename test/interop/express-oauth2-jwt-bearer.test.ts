// Auth0's resource-server middleware, unmodified, in front of an Express API: our tokens and proofs pass it.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect, type Identity } from '@tallystick/sdk';
import express from 'express';
import { auth } from 'express-oauth2-jwt-bearer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AUDIENCE, ISSUER, SERVICE, startDaemon, type Daemon } from '../daemon/daemon.ts';

let daemon: Daemon;
let server: Server;
let identity: Identity;
let url: string;

beforeAll(async () => {
  const app = express();
  server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  daemon = await startDaemon({ use: `${url}/` });
  app.use(
    auth({
      issuer: ISSUER,
      jwksUri: `${daemon.publicUrl}/jwks`,
      audience: AUDIENCE,
      tokenSigningAlg: 'ES256',
      dpop: { enabled: true, required: true },
    }),
  );
  app.get('/journal', (request, response) => {
    response.json({ sub: request.auth?.payload.sub });
  });
  identity = await connect({ socket: daemon.socket });
});
afterAll(async () => {
  await identity.close();
  server.closeAllConnections();
  server.close();
  await daemon[Symbol.asyncDispose]();
});

test('identity.fetch passes express-oauth2-jwt-bearer with DPoP required', async () => {
  const response = await identity.fetch(`${url}/journal?period=2026-11`);
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ sub: SERVICE });
});

test('the same token without its proof does not pass it', async () => {
  const { authorization } = await identity.authorize({ method: 'GET', url: `${url}/journal` });
  const bare = await fetch(`${url}/journal`, { headers: { authorization } });
  expect(bare.status).toBe(400);
  const bearer = await fetch(`${url}/journal`, { headers: { authorization: authorization.replace('DPoP', 'Bearer') } });
  expect(bearer.ok).toBe(false);
});
