import { hash, X509Certificate } from 'node:crypto';
import { bodyHash } from '@tallystick/dpop';
import { createOneTimeKey, formatCredentialRequest, formatUsageReport } from '@tallystick/protocol';
import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import type { TokenConfig } from '../../src/config/config.ts';
import type { Signer } from '../../src/issuer/signer.ts';
import { configOf, credential, entitled, identity } from '../acme.ts';
import { ask, type Answer } from '../listen/unix-client.ts';
import { newKey, openedCa, requestOf } from '../providers/ca/opened-ca.ts';
import { upstreamCredential } from '../providers/test-provider.ts';
import { holder, postForm, type Holder } from './holder.ts';
import { serveSidecar, type ServeOptions } from './served-sidecar.ts';

const BATCH = 'spiffe://acme.example/close-batch';
const API = 'https://ledger-mtls.acme.example';
const MINUTE_MS = 60_000;

const entitlements = ['batch-tls', 'other-tls', 'ledger-mtls', 'ledger-api'].map((name) => entitled(name));
const tls = { type: 'x509', binding: 'mtls', holders: 'own', lifetimeMs: 60 * MINUTE_MS } as const;
const CONFIG = configOf(
  [
    identity('close-batch', { entitlements }),
    identity('twin', { entitlements, match: [['unix:uid:1002']] }),
    identity('ledger', { match: [['unix:uid:2000']], receives: [API], entitlements: [] }),
  ],
  [
    upstreamCredential('batch-tls', tls),
    upstreamCredential('other-tls', tls),
    credential('ledger-mtls', { binding: 'mtls', scope: [], certificate: 'batch-tls' } as Partial<TokenConfig>),
    credential('ledger-api'),
  ],
);

/** What a workload was told of a certificate. */
interface Certified {
  readonly lease: string;
  readonly x5t: string;
}

/** A sidecar with an authority that makes certificates, which it is told to end, and a workload. */
async function served(options: ServeOptions = {}) {
  const own = await serveSidecar({ config: CONFIG, ...options });
  const ca = await openedCa(undefined, undefined, own.time);
  own.upstream.making = async (order) => {
    const { material, handles } = await ca.provider.mint({ ...order, wanted: { dnsNames: [], usages: ['client'] } });
    return { material, handles };
  };
  const socket = await own.workload();
  return { ...own, socket, one: await holder(socket) };
}

/** Asks for a certificate of a new key. */
async function certify(who: Holder, name = 'batch-tls', headers: Record<string, string> = {}): Promise<Certified> {
  const key = createOneTimeKey();
  const path = `/v1/credentials/${name}`;
  const body = formatCredentialRequest({ type: 'x509', sealTo: key.jwk, csr: requestOf(newKey()).toString('base64') });
  const post = (): Promise<Answer> =>
    who.send('POST', path, {
      headers: {
        'content-type': 'application/json',
        dpop: who.prove('POST', path, { bth: bodyHash(body) }),
        ...headers,
      },
      body,
    });
  const first = await post();
  const answer = first.json.code === 'use_dpop_nonce' ? await post() : first;
  const claims = decodeJwt(key.open(answer.json.sealed as string)) as {
    lease_id: string;
    credential: { certificate: string };
  };
  const der = new X509Certificate(claims.credential.certificate).raw;
  return { lease: claims.lease_id, x5t: hash('sha256', der, 'base64url') };
}

const bound = (who: Holder, { lease }: Pick<Certified, 'lease'>): Promise<Answer> =>
  who.token({ resource: API, certificate: lease });

const listed = ({ standing }: Awaited<ReturnType<typeof served>>): readonly string[] =>
  standing.revocations().map(({ kind, value }) => `${kind} ${value}`);

describe('a token that is asked for a certificate', () => {
  test('is bound to that alone (RFC 8705 §3.1), is a Bearer token, and says whose it is', async () => {
    const { one, sidecar, recorder } = await served();
    const certificate = await certify(one);
    const { status, json } = await bound(one, certificate);
    expect([status, json.token_type]).toEqual([200, 'Bearer']);
    const claims = decodeJwt(json.access_token as string);
    expect(claims).toMatchObject({ sub: BATCH, aud: API, jti: json.lease_id });
    expect(claims.cnf).toEqual({ 'x5t#S256': certificate.x5t });
    expect(claims.tallystick).toMatchObject({ certificate: certificate.lease, holder: one.jkt });
    expect(sidecar.table.get(json.lease_id as string)?.binding).toBe('mtls');
    const released = recorder.records.filter(({ type }) => type === 'credential.released').at(-1);
    expect(released).toMatchObject({
      lease: json.lease_id,
      refs: [{ rel: 'bound_to', id: certificate.lease }],
      body: { binding: 'mtls', jkt: one.jkt, handles: { jti: json.lease_id } },
    });
  });

  test('is one for each certificate', async () => {
    const { one } = await served();
    const [first, second] = [await certify(one), await certify(one)];
    const lease = async (certificate: Certified): Promise<unknown> => (await bound(one, certificate)).json.lease_id;
    const own = await lease(first);
    expect(await lease(first)).toBe(own);
    expect(await lease(second)).not.toBe(own);
    expect(await lease(first)).toBe(own);
  });

  test('ends with its certificate, where that ends earlier', async () => {
    const { one, time, sidecar } = await served();
    const certificate = await certify(one);
    const endOfToken = async (): Promise<number> =>
      decodeJwt((await bound(one, certificate)).json.access_token as string).exp! * 1000;
    const endMs = sidecar.table.get(certificate.lease)!.expiresAtMs;
    expect(await endOfToken()).toBeLessThan(endMs);
    time.advance(50 * MINUTE_MS);
    expect(await endOfToken()).toBe(endMs);
    time.advance(10 * MINUTE_MS - 1000);
    expect((await bound(one, certificate)).json.code).toBe('lease_unknown');
  });

  test('is told of by GET /v1/identity, and the token of another credential as before', async () => {
    const { one } = await served();
    const { json } = await one.send('GET', '/v1/identity');
    const told = (json.credentials as Record<string, unknown>[]).map((each) => [
      each.name,
      each.binding,
      each.certificate,
    ]);
    expect(told).toContainEqual(['ledger-mtls', 'mtls', 'batch-tls']);
    expect(told).toContainEqual(['ledger-api', 'dpop', undefined]);
    expect((await one.token({ resource: 'https://ledger-api.acme.example' })).json.token_type).toBe('DPoP');
  });

  test('is introspected as a Bearer token with that certificate (RFC 8705 §3.2)', async () => {
    const { one, workload } = await served();
    const certificate = await certify(one);
    const { json } = await bound(one, certificate);
    const api = await workload({ uid: 2000 });
    const told = await postForm(api, '/introspect', { token: json.access_token as string });
    expect(told.json).toMatchObject({ active: true, token_type: 'Bearer', cnf: { 'x5t#S256': certificate.x5t } });
    expect(told.json.cnf).not.toHaveProperty('jkt');
  });

  test('is proof of its own use when its lease is forgotten, for the key that it was given to alone', async () => {
    const { one, socket, time } = await served();
    const { json } = await bound(one, await certify(one));
    const other = await holder(socket);
    await bound(other, await certify(other));
    time.advance(60 * MINUTE_MS);
    const at = new Date(time.nowMs() - 50 * MINUTE_MS);
    const use = { leaseId: json.lease_id as string, count: 1, first: at, last: at, target: API, process: null };
    const body = formatUsageReport({
      report: 0,
      final: false,
      uses: [use],
      tokens: [json.access_token as string],
      logHead: undefined,
    });
    const report = async (who: Holder): Promise<number> => {
      const send = (): Promise<Answer> =>
        who.send('POST', '/v1/usage', {
          headers: {
            'content-type': 'application/json',
            dpop: who.prove('POST', '/v1/usage', { bth: bodyHash(body) }),
          },
          body,
        });
      const first = await send();
      return first.json.code === 'use_dpop_nonce' ? (await send()).status : first.status;
    };
    expect([await report(other), await report(one)]).toEqual([404, 200]);
  });
});

describe('no token is made', () => {
  test('without the certificate that its credential asks for', async () => {
    const { one } = await served();
    const { status, json } = await one.token({ resource: API });
    expect([status, json.error, json.code, json.retryable]).toEqual([
      400,
      'invalid_request',
      'certificate_required',
      false,
    ]);
    expect(json.error_description).toContain('"batch-tls"');
  });

  test('for a certificate where its credential is bound to none', async () => {
    const { one } = await served();
    const { lease } = await certify(one);
    const { status, json } = await one.token({ resource: 'https://ledger-api.acme.example', certificate: lease });
    expect([status, json.code, json.remedy]).toEqual([400, 'invalid_request', 'leave "certificate" out']);
  });

  test('for a lease that is no certificate of that name that this key of this identity holds now', async () => {
    const own = await served();
    const { one, socket, workload, time } = own;
    const other = await holder(socket);
    const twin = await holder(await workload({ uid: 1002 }));
    const token = await bound(one, await certify(one));
    const [old, theirs, twins] = [await certify(one), await certify(other), await certify(twin)];
    const otherName = await certify(one, 'other-tls');
    const let_go = await certify(one);
    await one.send('DELETE', `/v1/leases/${let_go.lease}`);
    const attempts = [
      theirs.lease,
      twins.lease,
      otherName.lease,
      let_go.lease,
      token.json.lease_id as string,
      'ls_01KAMZ3CT000000000000000AA',
    ];
    for (const lease of attempts) {
      const { status, json } = await bound(one, { lease });
      expect([status, json.code, json.remedy]).toEqual([
        404,
        'lease_unknown',
        'ask for "batch-tls" again, and then for the token with the lease id of that',
      ]);
    }
    expect((await bound(one, old)).status).toBe(200);
    time.advance(60 * MINUTE_MS);
    expect((await bound(one, old)).status).toBe(404);
  });

  test('for the certificate that the same key holds as another identity', async () => {
    const both = ['one', 'two'].map((name) => identity(name, { entitlements }));
    const { socket } = await served({ config: configOf(both, [...CONFIG.credentials.values()]) });
    const who = await holder(socket);
    const { lease } = await certify(who, 'batch-tls', { 'tallystick-identity': both[0]!.id });
    const as = (id: string): Promise<Answer> => who.token({ resource: API, certificate: lease, client_id: id });
    expect((await as(both[1]!.id)).json.code).toBe('lease_unknown');
    expect((await as(both[0]!.id)).status).toBe(200);
  });

  test('without a proof, as for any other', async () => {
    const { one, socket } = await served();
    const { lease } = await certify(one);
    const { status, json } = await postForm(socket, '/token', {
      grant_type: 'client_credentials',
      resource: API,
      certificate: lease,
    });
    expect([status, json.error]).toEqual([400, 'invalid_dpop_proof']);
  });
});

describe('a token goes with its certificate', () => {
  test('that an operator revokes: both are on record, and the list that APIs read names the token', async () => {
    const own = await served();
    const { one, recorder } = own;
    const [gone, kept] = [await certify(one), await certify(one)];
    const [token, other] = [await bound(one, gone), await bound(one, kept)];
    const admin = await own.admin();
    const { leases } = (await ask(admin, { target: '/v1/leases' })).json as { leases: Record<string, unknown>[] };
    expect(leases.map(({ id, certificate }) => [id, certificate])).toContainEqual([token.json.lease_id, gone.lease]);
    const answer = await ask(admin, {
      method: 'POST',
      target: '/v1/leases/revoke',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id: gone.lease, reason: 'SEC-7' }),
    });
    expect(answer.json.revoked).toEqual([gone.lease, token.json.lease_id]);
    expect(recorder.only('credential.revoked').body).toMatchObject({ leases: [gone.lease, token.json.lease_id] });
    expect(listed(own)).toEqual([`jti ${token.json.lease_id as string}`]);
    expect((await bound(one, gone)).json.code).toBe('lease_unknown');
    expect((await bound(one, kept)).json.lease_id).toBe(other.json.lease_id);
  });

  test('that its holder lets go of', async () => {
    const own = await served();
    const { one, recorder, upstream } = own;
    const certificate = await certify(one);
    const token = (await bound(one, certificate)).json.lease_id as string;
    expect((await one.send('DELETE', `/v1/leases/${certificate.lease}`)).status).toBe(204);
    expect(listed(own)).toEqual([`jti ${token}`]);
    expect(recorder.only('credential.revoked').body).toMatchObject({
      by: 'holder',
      leases: [certificate.lease, token],
    });
    await expect.poll(() => upstream.ended).toEqual([`handle of ${certificate.lease}`]);
  });

  test('whose holder has gone', async () => {
    let isAlive = true;
    const own = await served();
    const one = await holder(await own.workload({ isAlive: () => isAlive }));
    const certificate = await certify(one);
    const token = (await bound(one, certificate)).json.lease_id as string;
    isAlive = false;
    own.time.advance(60_000);
    await expect.poll(() => listed(own)).toEqual([`jti ${token}`]);
    const revoked = own.recorder.records.filter(({ type }) => type === 'credential.revoked');
    expect(revoked.map(({ lease }) => lease)).toEqual([token, certificate.lease]);
  });

  test('though it is just being made', async () => {
    const [began, signing] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let isSlow = false;
    const signer = (real: Signer): Signer => ({
      ...real,
      async sign(...content) {
        if (isSlow) {
          began.resolve();
          await signing.promise;
        }
        return real.sign(...content);
      },
    });
    const own = await served({ signer });
    const certificate = await certify(own.one);
    isSlow = true;
    const asked = bound(own.one, certificate);
    await began.promise;
    const { sidecar } = own;
    await sidecar.withdrawal.revokeLeases([sidecar.table.get(certificate.lease)!]).durable;
    signing.resolve();
    expect((await asked).json.code).toBe('lease_unknown');
    expect(sidecar.table.size).toBe(0);
  });
});

describe('where its key is revoked', () => {
  test('the list names the token too, which shows no key to APIs that go by the list', async () => {
    const own = await served();
    const token = (await bound(own.one, await certify(own.one))).json.lease_id as string;
    await own.sidecar.withdrawal.revokeKey(own.one.jkt).durable;
    expect(listed(own)).toEqual([`jkt ${own.one.jkt}`, `jti ${token}`]);
  });

  test.each(['jkt', 'certificate'] as const)('a token of an earlier run ends by its %s', async (by) => {
    const own = await served();
    const certificate = await certify(own.one);
    const token = (await bound(own.one, certificate)).json.access_token as string;
    // What an earlier run made is in no table.
    for (const lease of own.sidecar.table.all()) own.sidecar.table.remove(lease);
    if (by === 'jkt') await own.sidecar.withdrawal.revokeKey(own.one.jkt).durable;
    else await own.sidecar.withdrawal.revokeById(certificate.lease);
    expect(listed(own)).toHaveLength(1);
    const told = await postForm(await own.workload({ uid: 2000 }), '/introspect', { token });
    expect(told.json).toEqual({ active: false });
  });
});
