import { Agent } from 'node:http';
import { TallystickError } from '@tallystick/core';
import { bodyHash } from '@tallystick/dpop';
import { createOneTimeKey, formatCredentialRequest } from '@tallystick/protocol';
import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import { NotSent } from '../../src/providers/not-sent.ts';
import { configOf, entitled, identity, ISSUER } from '../acme.ts';
import type { Answer } from '../listen/unix-client.ts';
import { upstreamCredential } from '../providers/test-provider.ts';
import { holder, type Holder } from './holder.ts';
import { serveSidecar } from './served-sidecar.ts';

const BATCH = 'spiffe://acme.example/close-batch';
const PATH = '/v1/credentials/ledger-db';

/** A sidecar with one login of an upstream, which lives for an hour. */
async function served(members: Parameters<typeof upstreamCredential>[1] = {}) {
  const batch = identity('close-batch', { entitlements: [entitled('ledger-db')] });
  const db = upstreamCredential('ledger-db', { lifetimeMs: 3_600_000, ...members });
  const own = await serveSidecar({ config: configOf([batch], [db]) });
  const socket = await own.workload();
  return { ...own, socket, one: await holder(socket), another: () => holder(socket) };
}

/** Asks for the login, and opens the answer. */
async function login(who: Holder, request: Partial<Parameters<typeof formatCredentialRequest>[0]> = {}) {
  const key = createOneTimeKey();
  const body = formatCredentialRequest({ type: 'database', sealTo: key.jwk, ...request });
  const answer = await post(who, body);
  const claims = answer.status === 200 ? decodeJwt(key.open(answer.json.sealed as string)) : {};
  return { answer, body, key, claims: claims as Record<string, unknown>, lease: claims.lease_id as string };
}

async function post(who: Holder, body: string): Promise<Answer> {
  const headers = (): Record<string, string> => ({
    'content-type': 'application/json',
    dpop: who.prove('POST', PATH, { bth: bodyHash(body) }),
  });
  const first = await who.send('POST', PATH, { headers: headers(), body });
  return first.json.code === 'use_dpop_nonce' ? who.send('POST', PATH, { headers: headers(), body }) : first;
}

describe('POST /v1/credentials/{name}', () => {
  test('gives what the upstream has made, sealed to the one-time key of the request, and says for what it is', async () => {
    const { one, upstream, time } = await served();
    const { answer, claims, key, body } = await login(one);
    expect(answer.status).toBe(200);
    expect(answer.body).not.toContain('canary');
    const now = Math.floor(time.nowMs() / 1000);
    expect(claims).toMatchObject({
      iss: ISSUER,
      aud: BATCH,
      iat: time.nowMs() / 1000,
      exp: now + 3600,
      cnf: { jkt: one.jkt },
      ekt: key.thumbprint,
      req: expect.any(String) as string,
      bth: bodyHash(body),
      name: 'ledger-db',
      type: 'database',
      binding: 'none',
      lease_id: upstream.orders[0]!.leaseId,
      credential: { username: 'user-1', password: 'canary-1' },
    });
  });

  test('has the intent on record before the upstream is asked, then its outcome, then the release', async () => {
    const { one, upstream, recorder } = await served();
    let recorded: readonly string[] = [];
    upstream.making = () => {
      recorded = recorder.records.map(({ type }) => type);
      return {};
    };
    const { lease } = await login(one);
    expect(recorded).toEqual(['credential.intent']);
    expect(recorder.records.map(({ type }) => type)).toEqual([
      'credential.intent',
      'credential.outcome',
      'credential.released',
    ]);
    expect(recorder.records.map((record) => record.lease)).toEqual([lease, lease, lease]);
    const [, outcome, released] = recorder.records;
    expect(outcome).toMatchObject({
      corr: 'record-0',
      body: { status: 'minted', provider: 'test-db', handles: { databaseUser: 'user-1' } },
    });
    expect(released).toMatchObject({ corr: 'record-0', body: { binding: 'none', source: 'minted' } });
    expect(JSON.stringify(recorder.records)).not.toContain('canary');
  });

  test('leaves when its record is durable, and not at all where that cannot be', async () => {
    const { one, recorder } = await served();
    await login(one);
    recorder.hold();
    let answered = false;
    const asked = login(one).finally(() => (answered = true));
    await recorder.reached(4);
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(answered).toBe(false);
    recorder.fail();
    const { answer } = await asked;
    expect([answer.status, answer.json]).toEqual([503, expect.objectContaining({ code: 'record_unavailable' })]);
    expect(answer.body).not.toContain('sealed');
  });

  test('asks the upstream once for a thousand holders that ask at once, and records each release', async () => {
    const { socket, upstream, recorder } = await served();
    const gate = Promise.withResolvers<void>();
    upstream.making = async () => {
      await gate.promise;
      return {};
    };
    const holders: Holder[] = [];
    // Each over a connection of its own, which stands: a thousand connects at once are more than a socket queues.
    for (let batch = 0; batch < 10; batch++) {
      const connect = async (): Promise<Holder> => {
        const who = await holder(socket, new Agent({ keepAlive: true, maxSockets: 1 }));
        await who.send('GET', '/v1/identity');
        return who;
      };
      holders.push(...(await Promise.all(Array.from({ length: 100 }, connect))));
    }
    const asked = holders.map((who) => login(who));
    gate.resolve();
    const leases = new Set((await Promise.all(asked)).map(({ lease }) => lease));
    expect(leases.size).toBe(1);
    expect(upstream.orders).toHaveLength(1);
    expect(recorder.records.filter(({ type }) => type === 'credential.released')).toHaveLength(1000);
  });

  test('gives each business process one of its own, unless it is attributed to the identity', async () => {
    const own = await served();
    const close = { id: 'BP-1042', run: 'r-1' };
    const first = await login(own.one, { process: close });
    expect((await login(own.one, { process: { ...close, run: 'r-2' } })).lease).toBe(first.lease);
    expect((await login(own.one, { process: { id: 'BP-7' } })).lease).not.toBe(first.lease);
    expect(own.upstream.orders.map(({ process }) => process)).toEqual([
      { id: 'BP-1042', run: undefined },
      { id: 'BP-7', run: undefined },
    ]);
    const shared = await served({ attribution: 'identity' });
    const all = [await login(shared.one, { process: close }), await login(shared.one, { process: { id: 'BP-7' } })];
    expect(all[0]!.lease).toBe(all[1]!.lease);
    const byRun = await served({ attribution: 'run' });
    await login(byRun.one, { process: close });
    await login(byRun.one, { process: { ...close, run: 'r-2' } });
    expect(byRun.upstream.orders.map(({ process }) => process?.run)).toEqual(['r-1', 'r-2']);
  });

  test('makes a certificate for each key that one is asked for', async () => {
    const { one, upstream } = await served({ type: 'x509', holders: 'own' });
    upstream.making = () => ({ material: { certificate: 'PEM', authorities: 'PEM', serial: '0a' } });
    const ask = (csr: string) => login(one, { type: 'x509', csr: Buffer.from(csr).toString('base64') });
    const [first, second, again] = [await ask('key-1'), await ask('key-2'), await ask('key-2')];
    expect(second.lease).not.toBe(first.lease);
    expect(again.lease).toBe(second.lease);
    expect(upstream.orders.map(({ applicant }) => applicant.csr?.toString())).toEqual(['key-1', 'key-2']);
  });

  test('is refused to who is not entitled, takes it for another type, or names what there is not, on record', async () => {
    const { one, recorder, upstream } = await served();
    expect((await login(one, { type: 'aws' })).answer).toMatchObject({
      status: 400,
      json: { code: 'credential_type_mismatch' },
    });
    expect(recorder.only('credential.denied')).toMatchObject({ reason: 'invalid_target', body: { name: 'ledger-db' } });
    expect(upstream.orders).toEqual([]);
  });

  test('is refused without a proof that binds the body', async () => {
    const { one, upstream } = await served();
    const body = formatCredentialRequest({ type: 'database', sealTo: createOneTimeKey().jwk });
    const headers = { 'content-type': 'application/json' };
    expect((await one.send('POST', PATH, { headers, body })).json.code).toBe('invalid_proof');
    expect(upstream.orders).toEqual([]);
  });
});

describe('while the upstream is away', () => {
  const away = () => new TallystickError('upstream_unavailable', '"test-db" does not answer', { retryAfterMs: 7000 });

  test('what is good is served on, and what has expired never', async () => {
    const { one, upstream, time } = await served();
    const first = await login(one);
    upstream.making = () => Promise.reject(away());
    time.advance(3_000_000);
    expect((await login(one)).lease).toBe(first.lease);
    time.advance(601_000);
    const { answer } = await login(one);
    expect([answer.status, answer.json.code, answer.json.retryable]).toEqual([503, 'upstream_unavailable', true]);
  });

  test('what ends before the next second begins is not told to last until then, and is ended', async () => {
    const { one, upstream, time } = await served();
    upstream.making = () => ({ expiresAtMs: time.nowMs() + 400 });
    const { answer } = await login(one);
    expect([answer.status, answer.json.code]).toEqual([503, 'upstream_answer_invalid']);
    expect([upstream.orders.length, upstream.ended]).toEqual([1, [`handle of ${upstream.orders[0]!.leaseId}`]]);
  });

  test('the outcome of a request that never left says that nothing was made, unless something was kept before', async () => {
    const { one, upstream, recorder } = await served();
    const outcomes = () =>
      recorder.records.flatMap(({ type, body }) =>
        type === 'credential.outcome' ? [(body as { status: string }).status] : [],
      );
    const mint = upstream.mint.bind(upstream);
    upstream.mint = () => Promise.reject(NotSent.of(away()));
    await login(one);
    expect(outcomes()).toEqual(['not_made']);
    upstream.mint = mint;
    upstream.making = () => Promise.reject(NotSent.of(away()));
    await login(one);
    expect(outcomes()).toEqual(['not_made', 'unreachable', 'revoked']);
  });

  test('the outcome says so, and what may have been made all the same is ended', async () => {
    const { one, upstream, recorder } = await served();
    upstream.making = () => Promise.reject(away());
    await login(one);
    const [outcome, ended] = recorder.records.filter(({ type }) => type === 'credential.outcome');
    expect(outcome).toMatchObject({
      corr: 'record-0',
      outcome: 'failed',
      body: { status: 'unreachable', error: 'upstream_unavailable', handles: null, notAfter: null },
    });
    expect(ended).toMatchObject({
      corr: 'record-0',
      lease: outcome!.lease,
      body: { status: 'revoked', handles: null },
    });
    expect(upstream.ended).toEqual([`handle of ${outcome!.lease}`]);
  });
});

describe('a lease that can be extended', () => {
  const HOUR = 3_600_000;

  test('is, when two thirds of it have passed, and serves the same login on', async () => {
    const { one, upstream, time, recorder } = await served();
    upstream.making = () => ({ renewableUntilMs: time.nowMs() + 10 * HOUR });
    const first = await login(one);
    time.advance(0.75 * HOUR);
    const second = await login(one);
    expect([second.lease, upstream.orders.length, upstream.renewals.length]).toEqual([first.lease, 1, 1]);
    expect(Number(second.claims.exp) - Number(first.claims.exp)).toBe(2700);
    expect(recorder.only('credential.renewed')).toMatchObject({ corr: 'record-0', lease: first.lease });
  });

  test('is replaced when the upstream has lost it, or will extend it no more', async () => {
    const { one, upstream, time } = await served();
    upstream.making = () => ({ renewableUntilMs: time.nowMs() + 10 * HOUR });
    upstream.renewing = () => Promise.reject(new TallystickError('upstream_not_found', 'it has ended'));
    const first = await login(one);
    time.advance(0.75 * HOUR);
    const second = await login(one);
    expect(second.lease).not.toBe(first.lease);
    // Whatever else was made with it, and what is kept of it.
    expect(upstream.ended).toEqual([`handle of ${first.lease}`]);
    upstream.making = () => ({ renewableUntilMs: time.nowMs() + HOUR });
    time.advance(0.75 * HOUR);
    const third = await login(one);
    time.advance(0.75 * HOUR);
    expect((await login(one)).lease).not.toBe(third.lease);
    expect(upstream.orders).toHaveLength(4);
  });
});

describe('what an upstream has made', () => {
  test('ends there when its last holder lets go, and not before', async () => {
    const { one, another, upstream, recorder } = await served();
    const two = await another();
    const { lease } = await login(one);
    await login(two);
    expect((await one.send('DELETE', `/v1/leases/${lease}`)).status).toBe(204);
    expect(upstream.ended).toEqual([]);
    expect((await one.send('DELETE', `/v1/leases/${lease}`)).json.code).toBe('lease_unknown');
    expect((await two.send('DELETE', `/v1/leases/${lease}`)).status).toBe(204);
    await Promise.resolve();
    expect(upstream.ended).toEqual([`handle of ${lease}`]);
    expect(recorder.only('credential.revoked')).toMatchObject({ body: { by: 'holder', leases: [lease] } });
    expect((await login(one)).lease).not.toBe(lease);
  });

  test('ends there when its identity is suspended, and when a key that has it is revoked', async () => {
    const { one, another, upstream, sidecar } = await served();
    const { lease } = await login(one);
    const two = await another();
    await login(two);
    await sidecar.withdrawal.revokeKey(one.jkt).durable;
    expect(upstream.ended).toEqual([`handle of ${lease}`]);
    const next = await login(two);
    expect(next.lease).not.toBe(lease);
    await sidecar.withdrawal.suspend(sidecar.registry().identities.get(BATCH)!, 'test').durable;
    expect(upstream.ended).toEqual([`handle of ${lease}`, `handle of ${next.lease}`]);
    expect((await login(two)).answer.json.code).toBe('identity_suspended');
  });
});
