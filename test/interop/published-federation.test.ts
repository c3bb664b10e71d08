// The files of `tallystick issuer publish` in the hands of a real verifier: Vault finds them by OpenID Connect Discovery, over
// https, reads the keys, and looks for new ones as a cloud does.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  publishedFederation,
  type PublishedFederation,
} from '../../sidecar/test/providers/federation/published-federation.ts';
import { describeWithServers } from '../servers/require-server.ts';
import { startVault, type Vault } from '../servers/vault.ts';

const AUDIENCE = 'https://vault.acme.example';
const TLS = join(import.meta.dirname, '../../sidecar/test/listen/tls');
const now = (): number => Math.floor(Date.now() / 1000);

describeWithServers(['vault'], 'the files of a federation', () => {
  let federation: PublishedFederation;
  let vault: Vault;
  let web: Server;
  let asked: string[];

  beforeAll(async () => {
    asked = [];
    const certificate = readFileSync(join(TLS, 'first.crt'), 'utf8');
    web = createServer({ cert: certificate, key: readFileSync(join(TLS, 'first.key')) }, (request, response) => {
      asked.push(request.url!);
      const path = request.url!.replace('/eu-1/', '');
      response.setHeader('content-type', 'application/json');
      response.end(readFileSync(join(federation.dir, path)));
    });
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    federation = await publishedFederation(`https://localhost:${(web.address() as AddressInfo).port}/eu-1`);
    vault = await startVault();
    await vault.call('POST', 'sys/auth/jwt', { type: 'jwt' });
    await vault.call('POST', 'auth/jwt/config', {
      oidc_discovery_url: federation.url,
      oidc_discovery_ca_pem: certificate,
      jwt_supported_algs: ['ES256', 'RS256'],
    });
    await vault.call('POST', 'auth/jwt/role/tallystick', {
      role_type: 'jwt',
      bound_audiences: [AUDIENCE],
      user_claim: 'sub',
      claim_mappings: { '/tallystick/owner': 'owner' },
    });
  });
  afterAll(async () => {
    await vault.stop();
    web.closeAllConnections();
    web.close();
    federation.remove();
  });

  const login = async (alg: 'ES256' | 'RS256', claims: object = {}): Promise<unknown> => {
    const stated = { sub: 'spiffe://acme.example/a', aud: AUDIENCE, exp: now() + 300, tallystick: { owner: 'team-a' } };
    const jwt = await federation.keys.sign('federation', { ...stated, ...claims }, { alg });
    const { auth } = await vault.call<{ auth: { metadata: { owner: string } } }>('POST', 'auth/jwt/login', {
      role: 'tallystick',
      jwt,
    });
    return auth.metadata.owner;
  };

  test.each(['ES256', 'RS256'] as const)(
    'are found by their URL, and a JWT by %s is taken with its claims',
    async (alg) => {
      expect(await login(alg)).toBe('team-a');
      expect(asked).toEqual(expect.arrayContaining(['/eu-1/.well-known/openid-configuration', '/eu-1/jwks.json']));
    },
  );

  test('let a rotation pass unnoticed, and the next one after they were published again', async () => {
    const signers = await federation.keys.signers('federation');
    for (const signer of signers) await signer.rotate(async () => {});
    for (const alg of ['ES256', 'RS256'] as const) expect(await login(alg)).toBe('team-a');
    await federation.publish();
    for (const alg of ['ES256', 'RS256'] as const) expect(await login(alg)).toBe('team-a');
  });

  test('open nothing for a JWT for somebody else, of yesterday, or by a key of another role', async () => {
    await expect(login('ES256', { aud: 'https://elsewhere.example' })).rejects.toMatchObject({ status: 400 });
    await expect(login('ES256', { iat: now() - 90_000, exp: now() - 86_400 })).rejects.toMatchObject({ status: 400 });
    const jwt = await federation.keys.sign('client', {
      iss: federation.url,
      sub: 'a',
      aud: AUDIENCE,
      exp: now() + 300,
    });
    await expect(vault.call('POST', 'auth/jwt/login', { role: 'tallystick', jwt })).rejects.toMatchObject({
      status: 400,
    });
  });
});
