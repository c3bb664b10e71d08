// Keycloak, unmodified, with the clients that our page describes: its tokens are bound to a key of the service, which sends
// them by `identity.fetch`; our resource server accepts them.
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createProof, generateHolderKey } from '@tallystick/dpop';
import { connect, type AccessTokenCredential, type Identity } from '@tallystick/sdk';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { oauthKind } from '../../sidecar/src/providers/oauth.ts';
import { providerContract } from '../../sidecar/test/providers/contract.ts';
import { command } from '../daemon/command.ts';
import { AUDIENCE, oneService, SERVICE, startDaemon, type Daemon } from '../daemon/daemon.ts';
import { startLedger, type Ledger } from '../daemon/ledger.ts';
import { startTraffic } from '../daemon/traffic.ts';
import { readRecords, type RecordLine } from '../faults/record-files.ts';
import { startKeycloak, type Keycloak } from '../servers/keycloak.ts';
import { listeningAddresses } from '../servers/listening-addresses.ts';
import { describeWithServers } from '../servers/require-server.ts';
import { CLIENT_SECRET, FEDERATION, furnishRealm, type Realm } from './keycloak-realm.ts';

const OTHER_AUDIENCE = 'https://payroll.acme.example';

describeWithServers(['keycloak'], 'tokens of Keycloak', () => {
  let keycloak: Keycloak;
  let issuer: string;
  let realm: Realm;
  let daemon: Daemon;
  let ledger: Ledger;
  let files: Server;
  let identity: Identity;
  /** When the API had read the keys of Keycloak. */
  let firstReadMs: number;

  beforeAll(async () => {
    keycloak = await startKeycloak();
    issuer = await keycloak.makeRealm('prod');
    ledger = await startLedger();
    daemon = await startDaemon({ registry: registry(), edit: inFolder });
    writeFileSync(join(daemon.folder, 'secret'), CLIENT_SECRET, { mode: 0o600 });
    writeFileSync(join(daemon.folder, 'wrong-secret'), 'another-secret', { mode: 0o600 });
    const www = join(daemon.folder, 'www');
    expect(await command(daemon, 'issuer', 'publish', '--dir', www)).toMatchObject({ status: 0 });
    files = createServer((request, response) => response.end(readFileSync(join(www, request.url!))));
    await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
    realm = await furnishRealm(keycloak, `http://127.0.0.1:${(files.address() as AddressInfo).port}`);
    ledger.trust({
      issuer,
      jwks: `${issuer}/protocol/openid-connect/certs`,
      subjects: [await realm.subjectOf('close-batch'), await realm.subjectOf('close-batch-svid'), await realm.user()],
    });
    identity = await connect({
      socket: daemon.socket,
      authorizationServers: [`${issuer}/protocol/openid-connect/token`],
    });
  }, 180_000);
  afterAll(async () => {
    await identity?.close();
    await daemon?.[Symbol.asyncDispose]();
    await ledger?.[Symbol.asyncDispose]();
    files?.close();
    await keycloak?.stop();
  }, 60_000);

  function registry(): string {
    const api = (name: string, provider: string, { scope = 'journal.write', more = '' } = {}) =>
      `  ${name}: { provider: ${provider}, audience: ${AUDIENCE}, scope: ${scope}, indicator: none${more} }\n`;
    const provider = (name: string, client: string) =>
      `  ${name}: { type: oauth, issuer: '${issuer}', client: { ${client} } }\n`;
    const bySecret = (file: string) => `id: by-secret, authentication: client_secret_basic, secretFile: FOLDER/${file}`;
    const entitled = 'ledger-api, erp-api, odd-api, secret-api, wrong-api, granted-api, svid-api, exchanged-api';
    return oneService('https://unused.acme.example/', '15m')
      .replace('[ledger-api]', `[${entitled}]`)
      .concat(
        api('erp-api', 'sso', { more: `, use: [${ledger.url}]` }),
        api('odd-api', 'sso', { scope: 'journal.delete' }),
        api('secret-api', 'by-secret'),
        api('wrong-api', 'by-wrong-secret'),
        api('granted-api', 'sso', { more: `, grant: jwt_bearer, use: [${ledger.url}granted]` }),
        api('svid-api', 'by-svid', { more: `, use: [${ledger.url}svid]` }),
        api('exchanged-api', 'by-secret', { more: ', grant: token_exchange' }),
        `federation: { url: ${FEDERATION} }\n`,
        'providers:\n',
        provider('sso', 'id: close-batch'),
        provider('by-svid', 'authentication: spiffe_jwt'),
        provider('by-secret', bySecret('secret')),
        provider('by-wrong-secret', bySecret('wrong-secret')),
      );
  }

  /** A token that was denied a moment ago: it is asked for again after a pause. */
  function given(credential: string): Promise<AccessTokenCredential> {
    const ask = () => identity.credential(credential, 'access-token').catch(() => undefined);
    return vi.waitUntil(ask, { timeout: 10_000 });
  }

  /** Outcomes of requests to a provider that failed. */
  function failedAt(provider: string): RecordLine[] {
    return readRecords(daemon.folder).filter(
      ({ type, outcome, body }) => type === 'credential.outcome' && outcome === 'failed' && body.provider === provider,
    );
  }

  test('are bound to a key of the service, and accepted by our resource server', async () => {
    const response = await identity.fetch(ledger.url);
    firstReadMs = performance.now();
    expect(ledger.refusals.map(({ message }) => message)).toEqual([]);
    expect(response.status).toBe(200);
    const { token, binding } = await identity.credential('erp-api', 'access-token');
    const { cnf } = decodeJwt(token.reveal()) as { cnf: { jkt: string } };
    expect(ledger.callers.at(-1)).toMatchObject({ issuer, binding: 'dpop', jkt: cnf.jkt });
    expect(ledger.callers.at(-1)!.scopes).toContain('journal.write');
    expect(binding).toBe('dpop');
  });

  test('are refused by it to a client that proves nothing (RFC 9449 §6.1), and come from loopback only', async () => {
    const unproven = await fetch(`${issuer}/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: 'by-secret',
        client_secret: CLIENT_SECRET,
      }),
    });
    expect(unproven.status).toBe(400);
    // 127.0.0.1 as an IPv6 socket shows it.
    expect(new Set(listeningAddresses(keycloak.pid))).toEqual(new Set(['0000000000000000FFFF00000100007F']));
  });

  test('are had by a client secret as well', async () => {
    const { token } = await identity.credential('secret-api', 'access-token');
    expect(decodeJwt(token.reveal())).toMatchObject({ azp: 'by-secret', cnf: { jkt: expect.any(String) as string } });
  });

  test('are given for a workload by a JWT of the federation (RFC 7523 §2.1), and bound to a key of the workload', async () => {
    const response = await identity.fetch(`${ledger.url}granted`);
    expect(ledger.refusals.map(({ message }) => message)).toEqual([]);
    expect(response.status).toBe(200);
    const { token } = await identity.credential('granted-api', 'access-token');
    const { cnf } = decodeJwt(token.reveal()) as { cnf: { jkt: string } };
    expect(ledger.callers.at(-1)).toMatchObject({
      issuer,
      identity: await realm.user(),
      clientId: 'close-batch',
      binding: 'dpop',
      jkt: cnf.jkt,
    });
  });

  test('are denied to a workload that no user is linked to, and given once one is', async () => {
    await identity.release(await identity.credential('granted-api', 'access-token'));
    const link = `users/${await realm.user()}/federated-identity/tallystick`;
    await realm.admin('DELETE', link);
    await expect(identity.credential('granted-api', 'access-token')).rejects.toMatchObject({
      code: 'upstream_denied',
      remedy: expect.stringContaining('know their subject') as string,
    });
    await realm.admin('POST', link, { userId: SERVICE, userName: 'close-batch' });
    expect((await given('granted-api')).binding).toBe('dpop');
  });

  test('are given to a client that is the workload, by its JWT-SVID, and not by that of another', async () => {
    const client = await realm.client('close-batch-svid');
    const known = (id: string) => realm.admin('PUT', client, { attributes: { 'jwt.credential.sub': id } });
    await known(`${SERVICE}-2`);
    await expect(identity.credential('svid-api', 'access-token')).rejects.toMatchObject({ code: 'upstream_denied' });
    await known(SERVICE);
    await given('svid-api');
    expect((await identity.fetch(`${ledger.url}svid`)).status).toBe(200);
    expect(ledger.callers.at(-1)).toMatchObject({
      identity: await realm.subjectOf('close-batch-svid'),
      clientId: 'close-batch-svid',
      binding: 'dpop',
    });
  });

  test('are not exchanged for a JWT of the federation: it takes tokens of its own realm alone', async () => {
    await expect(identity.credential('exchanged-api', 'access-token')).rejects.toMatchObject({
      code: 'upstream_denied',
      message: expect.stringContaining('"by-secret" answered invalid_request to the token request') as string,
    });
  });

  test('are refused to a client that it does not know by that secret, and for a scope that it does not give', async () => {
    await expect(identity.credential('wrong-api', 'access-token')).rejects.toMatchObject({
      code: 'upstream_login_refused',
    });
    await expect(identity.credential('odd-api', 'access-token')).rejects.toMatchObject({ code: 'upstream_denied' });
  });

  test('are in nothing that the sidecar has said', () => {
    expect(daemon.output()).not.toContain(CLIENT_SECRET);
    expect(daemon.output()).not.toMatch(/eyJ[\w-]+\.eyJ/);
  });

  const key = generateHolderKey();
  let reachedAt: string;
  providerContract({
    title: 'oauth, Keycloak',
    kind: oauthKind,
    serverUrl: () => keycloak.url,
    settings(url) {
      reachedAt = `${url}/realms/prod`;
      const secretFile = join(daemon.folder, 'secret');
      return {
        type: 'oauth',
        issuer: reachedAt,
        client: { id: 'by-secret', authentication: 'client_secret_basic', secretFile },
      };
    },
    credential: { audience: AUDIENCE, scope: 'journal.write', indicator: 'none' },
    async applicant() {
      const url = `${reachedAt}/protocol/openid-connect/token`;
      return { upstreamProof: createProof(await key, { method: 'POST', url, iat: Math.floor(Date.now() / 1000) }) };
    },
    makes: ({ method }) => method === 'POST',
    async deny() {
      const path = await realm.scopeOf('by-secret');
      await realm.admin('DELETE', path);
      return () => realm.admin('PUT', path);
    },
    accepted: async ({ material }) => decodeJwt((material as { token: string }).token).iss === reachedAt,
    secrets: () => [CLIENT_SECRET],
    cannot: {
      'lease id': 'a client with a secret tells it nothing but that',
      keep: 'a token ends by itself, and nothing else is left of it',
      session: 'the client proves itself with each request',
      renew: 'a token is replaced, never extended',
      revoke: 'a token ends by itself',
    },
  });

  test('fail no call while its keys are rotated, and the old ones removed', async () => {
    await using traffic = startTraffic(identity, ledger.url);
    await traffic.more(20);
    // The API reads the keys again for one that it does not know, but not within ten seconds of the last time.
    await vi.waitUntil(() => performance.now() - firstReadMs > 10_000, { timeout: 12_000 });
    const before = await identity.credential('erp-api', 'access-token');
    const old = await realm.signingKey();
    const { id } = await realm.admin<{ id: string }>('GET', '');
    await realm.admin('POST', 'components', {
      name: 'next',
      providerId: 'rsa-generated',
      providerType: 'org.keycloak.keys.KeyProvider',
      parentId: id,
      config: { priority: ['200'], algorithm: ['RS256'] },
    });
    await traffic.more(20);
    await command(daemon, 'leases', 'rotate', before.leaseId, '--reason', 'the keys of the server have changed');
    const after = await vi.waitUntil(
      async () => {
        const held = await identity.credential('erp-api', 'access-token');
        return held.leaseId !== before.leaseId && held;
      },
      { timeout: 10_000 },
    );
    await traffic.more(20);
    const kids = [before, after].map(({ token }) => decodeProtectedHeader(token.reveal()).kid);
    expect(kids).toEqual([old.kid, (await realm.signingKey()).kid]);
    expect(new Set(kids).size).toBe(2);
    await realm.admin('DELETE', `components/${old.providerId}`);
    await traffic.more(20);
    await traffic.stop();
    expect(traffic.failures).toEqual([]);
    expect(ledger.refusals).toEqual([]);
  });

  test(
    'for another audience are refused in words, while the one that is held serves on',
    { timeout: 40_000 },
    async () => {
      await using traffic = startTraffic(identity, ledger.url);
      await traffic.more(20);
      const before = await identity.credential('erp-api', 'access-token');
      await identity.release(await identity.credential('secret-api', 'access-token'));
      const restore = await Promise.all(
        ['close-batch', 'by-secret'].map((client) => realm.giveAudience(client, OTHER_AUDIENCE)),
      );
      // Who holds none is told why.
      await expect(identity.credential('secret-api', 'access-token')).rejects.toMatchObject({
        code: 'upstream_answer_invalid',
        message: expect.stringMatching(/"by-secret" gave a token for another audience.*"aud" of its tokens/) as string,
        remedy: expect.stringContaining(AUDIENCE) as string,
      });
      // Who has one keeps it, though its time to be replaced has come.
      await command(daemon, 'leases', 'rotate', before.leaseId, '--reason', 'the mappers of the server have changed');
      await vi.waitUntil(() => failedAt('sso').some(({ body }) => body.error === 'upstream_answer_invalid'), {
        timeout: 10_000,
      });
      await traffic.more(20);
      expect((await identity.credential('erp-api', 'access-token')).leaseId).toBe(before.leaseId);

      await Promise.all(restore.map((each) => each()));
      const [after, other] = await vi.waitUntil(
        async () => {
          const held = await identity.credential('erp-api', 'access-token');
          const secret = await identity.credential('secret-api', 'access-token').catch(() => undefined);
          return held.leaseId !== before.leaseId && secret && [held, secret];
        },
        { timeout: 20_000 },
      );
      await traffic.more(20);
      await traffic.stop();
      for (const { token } of [before, after!, other!]) expect(audiencesOf(token.reveal())).toContain(AUDIENCE);
      expect(traffic.failures).toEqual([]);
      expect(ledger.refusals).toEqual([]);
      expect(daemon.output()).not.toContain(OTHER_AUDIENCE);
    },
  );

  test('serve on while it is down', async () => {
    await keycloak.down();
    expect((await identity.fetch(ledger.url)).status).toBe(200);
    expect((await identity.credential('secret-api', 'access-token')).binding).toBe('dpop');
  });
});

function audiencesOf(token: string): unknown[] {
  return [decodeJwt(token).aud].flat();
}

function inFolder(config: string): string {
  return config.replaceAll('FOLDER', /^state: (.+)\/state$/m.exec(config)![1]!);
}
