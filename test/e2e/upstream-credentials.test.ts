// Logins and tokens of upstreams, from a real sidecar over its real socket to the hands of a service, on a clock that the
// test moves. The upstreams are of the tests; the authorization server checks proofs and nonces as RFC 9449 has it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DatabaseCredential } from '@tallystick/core';
import { accessTokenHash, judgeProof, readProof } from '@tallystick/dpop';
import type { ConnectOptions, Identity } from '@tallystick/sdk';
import { connectWith } from '@tallystick/sdk/internal';
import { decodeJwt } from 'jose';
import { describe, expect, onTestFinished, test } from 'vitest';
import { configOf, entitled, identity } from '../../sidecar/test/acme.ts';
import { serveSidecar, type ServedSidecar } from '../../sidecar/test/api/served-sidecar.ts';
import { openedOauth, wanted } from '../../sidecar/test/providers/oauth/opened-oauth.ts';
import { upstreamCredential } from '../../sidecar/test/providers/test-provider.ts';
import { startRelay, type Relay } from '../daemon/relay.ts';

const BATCH = 'spiffe://acme.example/close-batch';

/** Connects as a workload with a key of its own, through a relay that reads along. */
async function workload(
  { time }: Pick<ServedSidecar, 'time'>,
  socket: string,
  options: ConnectOptions = {},
): Promise<{ service: Identity; relay: Relay }> {
  const relay = startRelay();
  const runtime = { clock: time, timers: time, transport: relay.transport };
  const service = await connectWith(runtime, { socket, ...options });
  onTestFinished(() => service.close());
  return { service, relay };
}

describe('a login that holders share', () => {
  async function served() {
    const batch = identity('close-batch', { entitlements: [entitled('ledger-db')] });
    const db = upstreamCredential('ledger-db', { lifetimeMs: 3_600_000 });
    const sidecar = await serveSidecar({ config: configOf([batch], [db]) });
    return { ...sidecar, socket: await sidecar.workload() };
  }

  test('is opened by the service alone: nothing that passes shows it', async () => {
    const sidecar = await served();
    const { service, relay } = await workload(sidecar, sidecar.socket);
    const login = await service.credential('ledger-db', 'database');
    expect([login.username, login.password.reveal()]).toEqual(['user-1', 'canary-1']);
    expect(login).toMatchObject({ binding: 'none', delivery: 'sealed', leaseId: sidecar.upstream.orders[0]!.leaseId });
    expect(relay.passed.join('\n')).toContain('"sealed"');
    expect(relay.passed.join('\n')).not.toMatch(/canary|user-1/);
    expect(JSON.stringify(sidecar.recorder.records)).not.toContain('canary');
  });

  test('ends upstream with the last of them, and not before', async () => {
    const sidecar = await served();
    const [one, two] = [await workload(sidecar, sidecar.socket), await workload(sidecar, sidecar.socket)];
    const [mine, theirs] = [
      await one.service.credential('ledger-db', 'database'),
      await two.service.credential('ledger-db', 'database'),
    ];
    expect([theirs.leaseId, theirs.username]).toEqual([mine.leaseId, mine.username]);
    await one.service.release(mine);
    expect(sidecar.upstream.ended).toEqual([]);
    await two.service.close();
    await expect.poll(() => sidecar.upstream.ended).toEqual([`handle of ${mine.leaseId}`]);
  });

  test('is followed by a watch to the next one, and ends with the identity', async () => {
    const sidecar = await served();
    const { service } = await workload(sidecar, sidecar.socket);
    const watch = service.watch('ledger-db', 'database')[Symbol.asyncIterator]();
    const first = (await watch.next()).value as DatabaseCredential;
    sidecar.upstream.renewing = () => Promise.reject(new Error('its time is over'));
    sidecar.time.advance(first.rotateAt.getTime() - sidecar.time.nowMs());
    const second = (await watch.next()).value as DatabaseCredential;
    expect(second.username).not.toBe(first.username);
    const [batch] = [...sidecar.sidecar.registry().identities.values()];
    await sidecar.sidecar.withdrawal.suspend(batch!, 'x').durable;
    await expect(watch.next()).rejects.toMatchObject({ code: 'identity_suspended' });
  });
});

/** An API that takes a token only with a proof by the key it is bound to; answers whose it is. */
async function startApi(): Promise<string> {
  const server = createServer((request, response) => {
    const [scheme, token = ''] = (request.headers.authorization ?? '').split(' ');
    const { cnf, sub } = decodeJwt<{ cnf: { jkt: string } }>(token);
    try {
      judgeProof(readProof(request.headersDistinct.dpop), {
        method: request.method!,
        url: url + request.url!,
        ath: accessTokenHash(token),
        jkt: cnf.jkt,
      });
      response.end(JSON.stringify({ scheme, sub }));
    } catch {
      response.writeHead(401).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return url;
}

describe('a token of another authorization server', () => {
  async function served() {
    const api = await startApi();
    const batch = identity('close-batch', { entitlements: [entitled('erp-api')] });
    const erp = upstreamCredential('erp-api', {
      provider: 'sso',
      type: 'access-token',
      binding: 'dpop',
      holders: 'own',
      audience: api,
      scope: ['journal.write'],
      wanted: wanted(),
      use: [{ text: `${api}/`, origin: api, segments: [] }],
    });
    const sidecar = await serveSidecar({ config: configOf([batch], [erp]) });
    const { server, provider } = await openedOauth({ time: sidecar.time });
    Object.assign(sidecar.upstream, provider, { renew: undefined, end: undefined });
    return { ...sidecar, api, server, socket: await sidecar.workload() };
  }

  test('is bound to a key of the service, nonce and all, and fetch uses it with proofs by that key', async () => {
    const sidecar = await served();
    sidecar.server.nonce = 'nonce-1';
    const { service } = await workload(sidecar, sidecar.socket, {
      authorizationServers: [sidecar.server.tokenEndpoint],
    });
    const response = await service.fetch(`${sidecar.api}/journal`);
    expect([response.status, await response.json()]).toEqual([
      200,
      { scheme: 'DPoP', sub: expect.anything() as unknown },
    ]);
    const { token, ...rest } = await service.credential('erp-api', 'access-token');
    expect(rest).toMatchObject({ binding: 'dpop', delivery: 'sealed', scope: 'journal.write' });
    const { cnf } = decodeJwt<{ cnf: { jkt: string } }>(token.reveal());
    expect(sidecar.server.requests.map(({ jkt }) => jkt)).toEqual([cnf.jkt, cnf.jkt]);
    expect((await service.fetch(`${sidecar.api}/journal`)).status).toBe(200);
    expect(sidecar.server.requests).toHaveLength(2);
    await service.close();
    expect(sidecar.recorder.only('usage.reported').body).toMatchObject({ uses: [{ lease: rest.leaseId, count: 2 }] });
  });

  test('is asked of nobody where the service has not named that server', async () => {
    const sidecar = await served();
    const { service } = await workload(sidecar, sidecar.socket, {
      authorizationServers: ['https://sso.acme.example/t'],
    });
    await expect(service.fetch(`${sidecar.api}/journal`)).rejects.toMatchObject({
      code: 'authorization_server_unknown',
    });
    expect(sidecar.server.requests).toEqual([]);
  });

  test('is refused where it comes back as bearer, or bound to another key', async () => {
    for (const change of [
      { members: { token_type: 'Bearer' }, code: 'upstream_unbound' },
      { claims: { cnf: { jkt: 'another' } }, code: expect.stringMatching(/^upstream_/) as string },
    ]) {
      const sidecar = await served();
      sidecar.server.members = change.members ?? {};
      sidecar.server.claims = change.claims ?? {};
      const { service } = await workload(sidecar, sidecar.socket, {
        authorizationServers: [sidecar.server.tokenEndpoint],
      });
      await expect(service.credential('erp-api', 'access-token')).rejects.toMatchObject({ code: change.code });
    }
  });

  test('is replaced with proofs by the same key', async () => {
    const sidecar = await served();
    const { service } = await workload(sidecar, sidecar.socket, {
      authorizationServers: [sidecar.server.tokenEndpoint],
    });
    const first = await service.credential('erp-api', 'access-token');
    sidecar.time.advance(first.expiresAt.getTime() - sidecar.time.nowMs());
    const second = await service.credential('erp-api', 'access-token');
    expect(second.leaseId).not.toBe(first.leaseId);
    const [one, two] = sidecar.server.requests.map(({ jkt }) => jkt);
    expect(two).toBe(one);
  });
});

test('identities tell from where a credential comes', async () => {
  const batch = identity('close-batch', { entitlements: [entitled('ledger-db')] });
  const sidecar = await serveSidecar({ config: configOf([batch], [upstreamCredential('ledger-db')]) });
  const { service } = await workload(sidecar, await sidecar.workload());
  expect(service.id).toBe(BATCH);
  expect(service.entitlements).toMatchObject([{ name: 'ledger-db', type: 'database', delivery: 'sealed' }]);
});
