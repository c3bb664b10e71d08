import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RevokedBody } from '../../src/record/record.ts';
import { configOf, identity, ISSUER } from '../acme.ts';
import { ask } from '../listen/unix-client.ts';
import { holder, postForm } from './holder.ts';
import { serveSidecar } from './served-sidecar.ts';

const config = configOf([
  identity('close-batch'),
  identity('ledger', { match: [['unix:uid:2000']], receives: ['https://ledger-api.acme.example'], entitlements: [] }),
  identity('other-api', { match: [['unix:uid:2001']], receives: ['https://other.acme.example'], entitlements: [] }),
  identity('no-api', { match: [['unix:uid:2002']] }),
]);

async function served() {
  const own = await serveSidecar({ config });
  const socket = await own.workload();
  const one = await holder(socket);
  const { json } = await one.token();
  return { ...own, socket, one, token: json.access_token as string, leaseId: json.lease_id as string };
}

describe('DELETE /v1/leases/{id}', () => {
  test('ends a lease of this identity and key: the token is barred, and the next one is new', async () => {
    const { one, leaseId, standing, recorder } = await served();
    const answer = await one.send('DELETE', `/v1/leases/${leaseId}`);
    expect([answer.status, answer.body, answer.headers['content-type']]).toEqual([204, '', undefined]);
    expect(standing.revocations()).toMatchObject([{ kind: 'jti', value: leaseId }]);
    expect(recorder.only('credential.revoked')).toMatchObject({ lease: leaseId, body: { by: 'holder' } });
    expect((await one.token()).json.lease_id).not.toBe(leaseId);
  });

  test('says of anything else that there is no such lease, whosever it is', async () => {
    const { one, socket, leaseId, workload, sidecar } = await served();
    const other = await holder(socket);
    const stranger = await holder(await workload({ uid: 2002 }));
    const attempts = [
      await other.send('DELETE', `/v1/leases/${leaseId}`),
      await stranger.send('DELETE', `/v1/leases/${leaseId}`),
      await one.send('DELETE', '/v1/leases/ls_01KAMZ3CT000000000000000AA'),
      await one.send('DELETE', '/v1/leases/x'),
      await one.send('DELETE', `/v1/leases/${leaseId.toLowerCase()}`),
    ];
    for (const { status, json } of attempts) expect([status, json.code]).toEqual([404, 'lease_unknown']);
    expect(sidecar.table.get(leaseId)!.revoked).toBe(false);
    expect((await one.send('DELETE', `/v1/leases/${leaseId}`)).status).toBe(204);
    expect((await one.send('DELETE', `/v1/leases/${leaseId}`)).json.code).toBe('lease_unknown');
  });

  test('is for a lease of the identity that asks, though the key is the same', async () => {
    const own = await serveSidecar({ config: configOf([identity('one'), identity('two')]) });
    const holds = await holder(await own.workload());
    const { lease_id: id } = (await holds.token({ client_id: 'spiffe://acme.example/one' })).json;
    const as = (name: string) =>
      holds.send('DELETE', `/v1/leases/${id as string}`, {
        headers: { 'tallystick-identity': `spiffe://acme.example/${name}` },
      });
    expect([(await as('two')).status, (await as('one')).status]).toEqual([404, 204]);
  });

  test('needs a proof for this very path', async () => {
    const { one, socket, leaseId } = await served();
    const path = `/v1/leases/${leaseId}`;
    for (const dpop of [undefined, one.prove('DELETE', '/v1/leases/other'), one.prove('POST', path)]) {
      const answer = await ask(socket, { method: 'DELETE', target: path, headers: { ...(dpop && { dpop }) } });
      expect(answer.json.error).toBe('invalid_dpop_proof');
    }
  });

  test('takes hold though the disk fails, which is not shown to the workload', async () => {
    const { one, leaseId, standing, folder, log, recorder } = await served();
    await mkdir(join(folder, 'standing.json.new'));
    const answer = await one.send('DELETE', `/v1/leases/${leaseId}`);
    expect([answer.status, answer.json.code, answer.body.includes(folder)]).toEqual([500, 'internal_error', false]);
    expect(standing.revokes({ jti: leaseId, jkt: '', sub: '', iat: 0 })).toBe(true);
    expect(recorder.only('credential.revoked').lease).toBe(leaseId);
    expect(log.lines).toMatchObject([
      { level: 'error', code: 'state_unusable', error: expect.stringContaining(folder) as string },
    ]);
  });
});

describe('POST /revoke (RFC 7009)', () => {
  test('ends a token of the identities of the peer, without a proof', async () => {
    const { socket, token, leaseId, standing, recorder, one } = await served();
    const answer = await postForm(socket, '/revoke', { token, token_type_hint: 'access_token' });
    expect([answer.status, answer.body, answer.headers['content-type']]).toEqual([200, '', undefined]);
    expect(standing.revocations()).toMatchObject([{ kind: 'jti', value: leaseId }]);
    expect(recorder.only('credential.revoked')).toMatchObject({
      actor: 'spiffe://acme.example/close-batch',
      lease: leaseId,
    });
    expect((await one.token()).json.lease_id).not.toBe(leaseId);
  });

  test('answers the same to a token that is none, is expired, or is not its own, and does nothing (§2.2)', async () => {
    const { socket, workload, token, standing, time } = await served();
    const stranger = await workload({ uid: 2002 });
    for (const [path, text] of [
      [socket, 'x'],
      [socket, `${token}x`],
      [stranger, token],
    ] as const) {
      expect((await postForm(path, '/revoke', { token: text })).status).toBe(200);
    }
    time.advance(900_000);
    expect((await postForm(socket, '/revoke', { token })).status).toBe(200);
    expect(standing.size).toBe(0);
  });

  test('needs a token, once (§2.1), in a form', async () => {
    const { socket, token } = await served();
    for (const form of ['', 'token=', 'tokens=x', `token=${token}&token=x`]) {
      const answer = await postForm(socket, '/revoke', form);
      expect([form, answer.status, answer.json.error]).toEqual([form, 400, 'invalid_request']);
    }
    const json = await ask(socket, {
      method: 'POST',
      target: '/revoke',
      headers: { 'content-type': 'application/json' },
      body: '{"token":"x"}',
    });
    expect(json.status).toBe(400);
  });

  test('knows a peer, or refuses', async () => {
    const { workload, token } = await served();
    const answer = await postForm(await workload({ uid: 9 }), '/revoke', { token });
    expect([answer.status, answer.json.code]).toEqual([401, 'identity_unknown']);
  });

  test('of a token that an earlier run issued bars it by its id, and again changes and records nothing', async () => {
    const { socket, token, leaseId, standing, recorder, sidecar } = await served();
    sidecar.table.remove(sidecar.table.get(leaseId)!);
    for (let i = 0; i < 3; i++) expect((await postForm(socket, '/revoke', { token })).status).toBe(200);
    expect(standing.revocations()).toMatchObject([{ kind: 'jti', value: leaseId }]);
    expect((recorder.only('credential.revoked').body as RevokedBody).leases).toEqual([leaseId]);
  });
});

describe('POST /introspect (RFC 7662)', () => {
  test('tells the API of the audience what the token says', async () => {
    const { workload, token, leaseId, one, time } = await served();
    const answer = await postForm(await workload({ uid: 2000 }), '/introspect', { token });
    const now = Math.floor(time.nowMs() / 1000);
    expect([answer.status, answer.json]).toMatchObject([
      200,
      {
        active: true,
        token_type: 'DPoP',
        iss: ISSUER,
        sub: 'spiffe://acme.example/close-batch',
        client_id: 'spiffe://acme.example/close-batch',
        aud: 'https://ledger-api.acme.example',
        scope: 'journal.read journal.write',
        iat: now,
        exp: now + 900,
        jti: leaseId,
        cnf: { jkt: one.jkt },
      },
    ]);
  });

  test('is refused to whoever is the API of nothing, and to whom nobody knows', async () => {
    const { socket, workload, token } = await served();
    const own = await postForm(socket, '/introspect', { token });
    expect([own.status, own.json.code]).toEqual([403, 'introspection_refused']);
    expect((await postForm(await workload({ uid: 9 }), '/introspect', { token })).json.code).toBe('identity_unknown');
    for (const form of ['', 'token=', `token=${token}&token=x`]) {
      expect((await postForm(socket, '/introspect', form)).json.error).toBe('invalid_request');
    }
  });

  test('is refused to an API that is suspended or has expired', async () => {
    const { workload, token, sidecar, time, standing } = await served();
    const api = await workload({ uid: 2000 });
    const ledger = sidecar.registry().identities.get('spiffe://acme.example/ledger')!;
    const asked = async (): Promise<unknown> => {
      const { json } = await postForm(api, '/introspect', { token });
      return json.active ?? json.code;
    };
    await sidecar.withdrawal.suspend(ledger, 'SEC-7').durable;
    expect(await asked()).toBe('introspection_refused');
    await standing.resume(ledger.id);
    expect(await asked()).toBe(true);
    time.jump(Date.parse('2027-07-01T00:00:00Z') - time.nowMs());
    expect(await asked()).toBe('introspection_refused');
  });

  test('tells nothing of a token for another API, and of what is none (§2.2)', async () => {
    const { workload, token } = await served();
    expect((await postForm(await workload({ uid: 2001 }), '/introspect', { token })).json).toEqual({ active: false });
    expect((await postForm(await workload({ uid: 2000 }), '/introspect', { token: 'x' })).json).toEqual({
      active: false,
    });
  });

  test.each<[string, (own: Awaited<ReturnType<typeof served>>) => Promise<unknown>]>([
    ['revoked by its holder', ({ one, leaseId }) => one.send('DELETE', `/v1/leases/${leaseId}`)],
    ['revoked with its key', ({ sidecar, one }) => sidecar.withdrawal.revokeKey(one.jkt).durable],
    [
      'of a suspended identity',
      ({ sidecar }) =>
        sidecar.withdrawal.suspend(sidecar.registry().identities.get('spiffe://acme.example/close-batch')!, 'x')
          .durable,
    ],
    [
      'of an identity of which no more is known than that it is suspended',
      ({ standing }) => standing.suspend('spiffe://acme.example/close-batch', 'x'),
    ],
    ['of an identity that is gone', ({ sidecar }) => sidecar.apply(configOf(config.identities.slice(1)))],
    ['that has expired', async ({ time }) => time.advance(900_000)],
  ])('says at once that a token is not active that was %s', async (_title, end) => {
    const own = await served();
    const api = await own.workload({ uid: 2000 });
    expect((await postForm(api, '/introspect', { token: own.token })).json.active).toBe(true);
    await end(own);
    expect((await postForm(api, '/introspect', { token: own.token })).json).toEqual({ active: false });
  });
});
