import { Agent, request } from 'node:http';
import { TallystickError } from '@tallystick/core';
import { createLocalJWKSet, decodeJwt, jwtVerify, type JSONWebKeySet } from 'jose';
import { describe, expect, test } from 'vitest';
import { jwkSet } from '../../src/issuer/jwks.ts';
import type { CredentialBody } from '../../src/record/record.ts';
import { configOf, credential, identity, ISSUER } from '../acme.ts';
import { handmadeProof } from '../handmade-proof.ts';
import { ask } from '../listen/unix-client.ts';
import { holder } from './holder.ts';
import { serveSidecar, type ServeOptions } from './served-sidecar.ts';

const BATCH = 'spiffe://acme.example/close-batch';
const LEDGER = 'https://ledger-api.acme.example';

async function served(options: ServeOptions = {}) {
  const own = await serveSidecar(options);
  const socket = await own.workload();
  return { ...own, socket, holder: await holder(socket) };
}
/** Lets sockets of this process and what waits for them go on. */
async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('POST /token', () => {
  test('gives a token bound to the key of the proof, in the form of RFC 6749 §5.1 and RFC 9449 §5', async () => {
    const { holder: one, time, signer, recorder } = await served();
    const answer = await one.token();
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'dpop-nonce': expect.any(String) as string,
    });
    expect(answer.json).toEqual({
      access_token: expect.any(String) as string,
      token_type: 'DPoP',
      expires_in: 899,
      scope: 'journal.read journal.write',
      lease_id: expect.stringMatching(/^ls_/) as string,
      rotate_at: expect.any(String) as string,
      record_id: 'record-0',
    });
    const keys = createLocalJWKSet(jwkSet(signer.keys()) as JSONWebKeySet);
    const { payload } = await jwtVerify(answer.json.access_token as string, keys, {
      issuer: ISSUER,
      audience: LEDGER,
      typ: 'at+jwt',
      currentDate: new Date(time.nowMs()),
    });
    expect(payload).toMatchObject({ sub: BATCH, cnf: { jkt: one.jkt }, jti: answer.json.lease_id });
    expect(recorder.only('credential.released')).toMatchObject({
      lease: answer.json.lease_id,
      body: { source: 'minted', jkt: one.jkt },
    });
  });

  test('asks for a nonce first, and takes the one it gave (RFC 9449 §8)', async () => {
    const { socket, holder: one } = await served();
    const first = await ask(socket, {
      method: 'POST',
      target: '/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded', dpop: one.prove('POST', '/token') },
      body: 'grant_type=client_credentials',
    });
    expect([first.status, first.json.error, first.json.code, first.json.retryable]).toEqual([
      400,
      'use_dpop_nonce',
      'use_dpop_nonce',
      true,
    ]);
    expect(first.headers['dpop-nonce']).toMatch(/^[\x21\x23-\x5b\x5d-\x7e]+$/);
    expect((await one.token()).status).toBe(200);
  });

  test('gives the same token again while it is fresh, under a record of its own', async () => {
    const { holder: one, recorder } = await served();
    const [first, second] = [await one.token(), await one.token()];
    expect(second.json.access_token).toBe(first.json.access_token);
    expect(second.json.record_id).not.toBe(first.json.record_id);
    expect(recorder.records.map(({ body }) => (body as CredentialBody).source)).toEqual(['minted', 'cache']);
  });

  test('gives each key a token of its own', async () => {
    const { socket, holder: one } = await served();
    const two = await holder(socket);
    const tokens = [(await one.token()).json.access_token, (await two.token()).json.access_token] as string[];
    expect(tokens.map((token) => (decodeJwt(token).cnf as { jkt: string }).jkt)).toEqual([one.jkt, two.jkt]);
  });

  test('ends no later than its identity does', async () => {
    const config = configOf([identity('close-batch', { expires: '2026-11-22' })]);
    const { holder: one, time } = await served({ config });
    time.jump(Date.parse('2026-11-22T23:55:00Z') - time.nowMs());
    const { json } = await one.token();
    expect(json.expires_in).toBe(300);
    expect(decodeJwt(json.access_token as string).exp).toBe(Date.parse('2026-11-23T00:00:00Z') / 1000);
    time.advance(300_000);
    expect((await one.token()).json).toMatchObject({ error: 'access_denied', code: 'identity_expired' });
  });

  test('keeps tokens of claimed runs apart where they are attributed by run', async () => {
    const config = configOf([identity('close-batch')], [credential('ledger-api', { attribution: 'run' })]);
    const { holder: one } = await served({ config });
    const run = (id: string): Record<string, string> => ({
      context: JSON.stringify({ process: { id: 'BP-1042', run: id } }),
    });
    const answers = [
      await one.token(run('r-1')),
      await one.token(run('r-2')),
      await one.token(run('r-1')),
      await one.token(),
    ];
    const runs = answers.map(({ json }) => (decodeJwt(json.access_token as string).tallystick as { run?: string }).run);
    expect(runs).toEqual(['r-1', 'r-2', 'r-1', undefined]);
    expect(answers[2]!.json.access_token).toBe(answers[0]!.json.access_token);
  });

  test('shares one mint among a thousand first calls of one key', async () => {
    let signed = 0;
    const { socket, recorder } = await served({
      signer: (signer) => ({ ...signer, sign: (typ, claims) => (signed++, signer.sign(typ, claims)) }),
    });
    // The kernel queues so many connections at a time.
    const agent = new Agent({ keepAlive: true, maxSockets: 200 });
    const one = await holder(socket, agent);
    // A nonce first, so that all ask with it.
    await one.token({ resource: 'https://other.example' });
    const answers = await Promise.all(Array.from({ length: 1000 }, () => one.token()));
    expect(new Set(answers.map(({ json }) => json.access_token)).size).toBe(1);
    expect(new Set(answers.map(({ json }) => json.record_id)).size).toBe(1000);
    agent.destroy();
    expect(signed).toBe(1);
    expect(recorder.records.filter(({ body }) => (body as CredentialBody).source === 'minted')).toHaveLength(1);
  });
});

describe('no token leaves', () => {
  test('before its record is durable', async () => {
    const { holder: one, recorder } = await served();
    await one.token();
    recorder.hold();
    let answered = false;
    const asked = one.token().then((answer) => ((answered = true), answer));
    await recorder.reached(2);
    await turns();
    expect(answered).toBe(false);
    recorder.letGo();
    expect((await asked).status).toBe(200);
  });

  test('when its record cannot be made durable, and no denial either', async () => {
    const { holder: one, recorder, log } = await served();
    await one.token();
    recorder.fail();
    for (const form of [{}, { resource: 'https://other.example' }]) {
      const answer = await one.token(form as Record<string, string>);
      expect([answer.status, answer.json.error, answer.json.code]).toEqual([
        503,
        'temporarily_unavailable',
        'record_unavailable',
      ]);
      expect(answer.body).not.toContain('access_token');
    }
    expect(log.lines).toEqual([]);
  });

  test('when its identity is suspended while the record becomes durable, and that is on record', async () => {
    const { holder: one, recorder, sidecar } = await served();
    await one.token();
    recorder.hold();
    const asked = one.token();
    await recorder.reached(2);
    const { durable } = sidecar.withdrawal.suspend(sidecar.registry().identities.get(BATCH)!, 'SEC-7');
    recorder.letGo();
    const answer = await asked;
    await durable;
    expect([answer.status, answer.json.code]).toEqual([403, 'identity_suspended']);
    expect(recorder.types()).toEqual([
      'credential.released',
      'credential.released',
      'credential.undelivered',
      'credential.denied',
    ]);
    expect(recorder.only('credential.undelivered')).toMatchObject({
      reason: 'withdrawn',
      refs: [{ rel: 'released', id: 'record-1' }],
    });
  });

  test('that was revoked while its record became durable: another one does', async () => {
    const { holder: one, recorder, sidecar } = await served();
    const first = await one.token();
    recorder.hold();
    const asked = one.token();
    await recorder.reached(2);
    await sidecar.withdrawal.revokeLeases([sidecar.table.get(first.json.lease_id as string)!]).durable;
    recorder.letGo();
    const second = await asked;
    expect(second.status).toBe(200);
    expect(second.json.lease_id).not.toBe(first.json.lease_id);
  });

  test.each([
    ['has no entitlement any more', identity('close-batch', { entitlements: [] }), 403, 'not_entitled'],
    ['has ended', identity('close-batch', { expires: '2026-11-21' }), 403, 'identity_expired'],
    ['is gone', identity('another'), 401, 'identity_mismatch'],
  ])('whose identity %s in a new configuration, which then decides', async (_title, changed, status, code) => {
    const { holder: one, recorder, sidecar } = await served();
    await one.token();
    recorder.hold();
    const asked = one.token();
    await recorder.reached(2);
    const applied = sidecar.apply(configOf([changed]));
    recorder.letGo();
    const answer = await asked;
    await applied;
    expect([answer.status, answer.json.code]).toEqual([status, code]);
  });

  test('that was being minted when its identity was suspended', async () => {
    const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const {
      holder: one,
      recorder,
      sidecar,
    } = await served({
      signer: (signer) => ({
        ...signer,
        sign: (typ, claims) => {
          begun.resolve();
          return gate.promise.then(() => signer.sign(typ, claims));
        },
      }),
    });
    const asked = Promise.all([one.token(), one.token(), one.token()]);
    await begun.promise;
    await turns();
    await sidecar.withdrawal.suspend(sidecar.registry().identities.get(BATCH)!, 'SEC-7').durable;
    gate.resolve();
    for (const { json } of await asked) expect(json.code).toBe('identity_suspended');
    expect(recorder.types()).toEqual(Array(3).fill('credential.denied'));
    expect(sidecar.table.size).toBe(0);
  });

  test('to a key that an operator has revoked, under any identity', async () => {
    const { holder: one, sidecar } = await served();
    await one.token();
    await sidecar.withdrawal.revokeKey(one.jkt).durable;
    const answer = await one.token();
    expect([answer.status, answer.json.error, answer.json.code]).toEqual([403, 'access_denied', 'key_revoked']);
  });

  test('while the signer is away, but for what is held and still good', async () => {
    let away = false;
    const {
      socket,
      holder: one,
      time,
    } = await served({
      signer: (signer) => ({
        ...signer,
        sign: (typ, claims) =>
          away
            ? Promise.reject(new TallystickError('signer_unavailable', 'the signer is away'))
            : signer.sign(typ, claims),
      }),
    });
    const first = await one.token();
    away = true;
    time.advance(600_000);
    expect((await one.token()).json.access_token).toBe(first.json.access_token);
    const two = await holder(socket);
    const refused = await two.token();
    expect([refused.status, refused.json.code, refused.json.retryable]).toEqual([503, 'signer_unavailable', true]);
    time.advance(300_000);
    expect((await one.token()).json.code).toBe('signer_unavailable');
    away = false;
    expect((await one.token()).status).toBe(200);
  });
});

describe('a request for a token is refused', () => {
  test('with the code of the fault, in the OAuth shape (RFC 6749 §5.2)', async () => {
    const { holder: one } = await served();
    await one.token();
    const rows: [Record<string, string> | string, number, string, string][] = [
      [{ grant_type: '' }, 400, 'invalid_request', 'invalid_request'],
      [{ grant_type: 'password' }, 400, 'unsupported_grant_type', 'unsupported_grant_type'],
      [{ resource: 'https://other.example' }, 400, 'invalid_target', 'invalid_target'],
      [{ scope: 'journal.approve' }, 400, 'invalid_scope', 'invalid_scope'],
      [{ scope: 'jour"nal' }, 400, 'invalid_scope', 'invalid_scope'],
      [{ context: '{' }, 400, 'invalid_request', 'invalid_request'],
      [{ client_id: 'x'.repeat(200) }, 400, 'invalid_request', 'invalid_request'],
      [{ resource: `https://x/${'y'.repeat(3000)}` }, 400, 'invalid_request', 'invalid_request'],
      ['grant_type=client_credentials&resource=a&resource=b', 400, 'invalid_target', 'invalid_target'],
      ['grant_type=client_credentials&scope=a&scope=b', 400, 'invalid_request', 'invalid_request'],
      [{ client_id: 'spiffe://acme.example/other' }, 401, 'invalid_client', 'identity_mismatch'],
    ];
    for (const [form, status, error, code] of rows) {
      const answer =
        typeof form === 'string'
          ? await one.send('POST', '/token', {
              headers: { 'content-type': 'application/x-www-form-urlencoded' },
              body: form,
            })
          : await one.token(form);
      expect([form, answer.status, answer.json.error, answer.json.code]).toEqual([form, status, error, code]);
      expect(Object.keys(answer.json).sort()).toEqual(['code', 'error', 'error_description', 'remedy', 'retryable']);
      expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'dpop-nonce': expect.any(String) as string });
    }
  });

  test('without a proof, with two, and with one for something else', async () => {
    const { socket, holder: one } = await served();
    const nonce = (await one.token()).headers['dpop-nonce'];
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const body = 'grant_type=client_credentials';
    const proofs: [string, string[] | string | undefined][] = [
      ['none', undefined],
      ['two', [one.prove('POST', '/token'), one.prove('POST', '/token')]],
      ['for another route', one.prove('POST', '/revoke')],
      ['for another method', one.prove('GET', '/token')],
      ['garbled', 'x.y.z'],
      // It has no UTF-8 form, and so could not be put on record.
      [
        'of a lone surrogate',
        handmadeProof(one.key, { jti: '\ud800', htm: 'POST', htu: `${ISSUER}/token`, iat: 0, nonce }),
      ],
    ];
    for (const [title, dpop] of proofs) {
      const answer = await ask(socket, {
        method: 'POST',
        target: '/token',
        headers: { ...headers, ...(dpop && { dpop }) },
        body,
      });
      expect([title, answer.status, answer.json.error]).toEqual([title, 400, 'invalid_dpop_proof']);
    }
    const proof = one.prove('POST', '/token');
    const replay = (): Promise<{ status: number; json: Record<string, unknown> }> =>
      ask(socket, { method: 'POST', target: '/token', headers: { ...headers, dpop: proof }, body });
    expect([(await replay()).status, (await replay()).json.code]).toEqual([200, 'proof_replayed']);
  });

  test('in another media type, encoded, or larger than it may be', async () => {
    const { holder: one, socket } = await served();
    await one.token();
    const body = 'grant_type=client_credentials';
    const types = ['application/json', 'text/plain', 'application/x-www-form-urlencodedx', ''];
    for (const type of types) {
      const answer = await one.send('POST', '/token', { headers: { 'content-type': type }, body });
      expect([type, answer.status, answer.json.code]).toEqual([type, 400, 'invalid_request']);
    }
    const form = { 'content-type': 'Application/X-WWW-Form-Urlencoded ; charset=UTF-8' };
    expect((await one.send('POST', '/token', { headers: form, body })).status).toBe(200);
    expect(
      (await one.send('POST', '/token', { headers: { ...form, 'content-encoding': 'gzip' }, body })).json.code,
    ).toBe('invalid_request');
    for (const chunked of [{}, { 'transfer-encoding': 'chunked' }]) {
      const large = await ask(socket, {
        method: 'POST',
        target: '/token',
        headers: { ...form, ...chunked, dpop: one.prove('POST', '/token') },
        body: `${body}&x=${'y'.repeat(300_000)}`,
      });
      expect([large.status, large.json.code]).toEqual([413, 'body_too_large']);
    }
  });

  test('when nothing matches the workload, which the operator can then see, and which is on record by the minute', async () => {
    const { workload, admin, recorder, time } = await serveSidecar();
    const stranger = await holder(await workload({ uid: 7 }));
    const answer = await stranger.token();
    expect([answer.status, answer.json.error, answer.json.code]).toEqual([401, 'invalid_client', 'identity_unknown']);
    const { json } = await ask(await admin(), { target: '/v1/identities/explain' });
    expect(json.unmatched).toMatchObject([
      { selectors: expect.arrayContaining(['unix:uid:7']) as string[], socket: 'app' },
    ]);
    time.advance(60_000);
    expect(recorder.only('attest.summary').body).toMatchObject({ uid: 7, counts: { identity_unknown: 1 } });
  });
});

describe('a workload with two identities', () => {
  const config = configOf([identity('one'), identity('two')]);

  test('names the one it acts as by client_id, or learns which it has', async () => {
    const { holder: one, recorder } = await served({ config });
    const refused = await one.token();
    expect([refused.status, refused.json.code]).toEqual([400, 'identity_ambiguous']);
    expect(refused.json.remedy).toContain('spiffe://acme.example/one, spiffe://acme.example/two');
    const answer = await one.token({ client_id: 'spiffe://acme.example/two' });
    expect(decodeJwt(answer.json.access_token as string).sub).toBe('spiffe://acme.example/two');
    expect((await one.token({ client_id: 'two' })).json.code).toBe('identity_ambiguous');
    expect(recorder.only('credential.released').actor).toBe('spiffe://acme.example/two');
  });
});

describe('what is recorded and counted of refusals', () => {
  test('a denial is on record before it is told, a flood of them is suppressed', async () => {
    const { holder: one, recorder, time } = await served();
    const codes: unknown[] = [];
    for (let i = 0; i < 25; i++) codes.push((await one.token({ resource: 'https://other.example' })).json.code);
    expect(codes).toEqual([...Array<string>(20).fill('invalid_target'), ...Array<string>(5).fill('rate_limited')]);
    expect(recorder.types()).toEqual([...Array<string>(20).fill('credential.denied'), 'denied.suppressed']);
    time.advance(60_000);
    expect(recorder.records.at(-2)).toMatchObject({ type: 'denied.suppressed', body: { uid: 1001, count: 5 } });
    // The nonce round of the first request was refused before a decision, and the denials were not.
    const { counts } = recorder.only('refused.summary').body;
    expect(counts).toEqual({ use_dpop_nonce: 1 });
  });

  test('a suppressed denial says when to come back', async () => {
    const { holder: one } = await served();
    for (let i = 0; i < 20; i++) await one.token({ resource: 'https://other.example' });
    const answer = await one.token({ resource: 'https://other.example' });
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '60']);
  });

  test('every answer is counted by route and outcome, never by who asked', async () => {
    const { socket, holder: one, metrics } = await served();
    await one.token();
    await ask(socket, { target: '/nothing/here' });
    const text = metrics.render();
    expect(text).toContain('tallystick_requests_total{route="/token",outcome="ok"} 1');
    expect(text).toContain('tallystick_requests_total{route="/token",outcome="use_dpop_nonce"} 1');
    expect(text).toContain('tallystick_requests_total{route="unknown",outcome="route_unknown"} 1');
    for (const name of ['close-batch', one.jkt, 'nothing', '"ls_']) expect(text).not.toContain(name);
  });

  test('a release to a client that has gone is recorded as undelivered', async () => {
    const { holder: one, recorder, socket } = await served();
    await one.token();
    recorder.hold();
    const outgoing = request({
      socketPath: socket,
      method: 'POST',
      path: '/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded', dpop: one.prove('POST', '/token') },
    });
    outgoing.on('error', () => {});
    outgoing.end('grant_type=client_credentials');
    await recorder.reached(2);
    outgoing.destroy();
    await turns();
    recorder.letGo();
    await recorder.reached(3);
    expect(recorder.only('credential.undelivered')).toMatchObject({ reason: 'client_gone' });
  });
});
