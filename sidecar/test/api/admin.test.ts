import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RevokedBody } from '../../src/record/record.ts';
import { configOf, identity } from '../acme.ts';
import { ask, type Answer } from '../listen/unix-client.ts';
import { holder } from './holder.ts';
import { serveSidecar, type ServeOptions } from './served-sidecar.ts';

const BATCH = 'spiffe://acme.example/close-batch';
const OTHER = 'spiffe://acme.example/other';

async function served(options: ServeOptions = {}) {
  const own = await serveSidecar({
    config: configOf([identity('close-batch'), identity('other', { match: [['unix:uid:2000']] })]),
    ...options,
  });
  const socket = await own.admin({ pid: process.pid });
  const command = (target: string, body: unknown): Promise<Answer> =>
    ask(socket, {
      method: 'POST',
      target,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const show = (target: string): Promise<Answer> => ask(socket, { target });
  const one = await holder(await own.workload());
  return { ...own, socket, command, show, one };
}

describe('a command that changes something', () => {
  const commands: [string, object][] = [
    ['/v1/identities/suspend', { id: BATCH }],
    ['/v1/identities/resume', { id: BATCH }],
    ['/v1/leases/revoke', { identity: BATCH }],
    ['/v1/leases/rotate', { identity: BATCH }],
    ['/v1/issuer/rotate', {}],
  ];
  test.each(commands)('%s needs a reason', async (target, body) => {
    const { command, recorder, standing } = await served();
    for (const reason of [undefined, '', '  ', 7, null]) {
      const answer = await command(target, { ...body, reason });
      expect([answer.status, answer.json.code, answer.json.remedy]).toEqual([
        400,
        'invalid_request',
        'give --reason "ticket or cause"',
      ]);
    }
    expect([recorder.records, standing.size, standing.suspensions()]).toEqual([[], 0, []]);
  });

  test.each(commands)('%s is on record, and in the log, with who gave it and why', async (target, body) => {
    const { command, recorder, one, log } = await served();
    await one.token();
    recorder.clear();
    const answer = await command(target, { ...body, reason: 'INC-9: a "quoted"\ncause' });
    expect(answer.status).toBe(200);
    const operator = { uid: 0, reason: 'INC-9: a "quoted"?cause' };
    expect(recorder.records).toMatchObject([{ actor: 'operator', reason: operator.reason, body: { operator } }]);
    expect(log.lines).toMatchObject([{ level: 'info', ...operator }]);
  });
});

describe('a command that is refused', () => {
  const unknown = 'spiffe://acme.example/nobody';
  test.each<[string, object, string, string | null, string]>([
    ['/v1/identities/suspend', { id: unknown }, 'identities suspend', unknown, 'invalid_request'],
    ['/v1/identities/resume', { id: unknown }, 'identities resume', unknown, 'invalid_request'],
    ['/v1/leases/revoke', { id: 'x' }, 'leases revoke', 'x', 'invalid_request'],
    ['/v1/leases/rotate', {}, 'leases rotate', null, 'invalid_request'],
  ])('%s is on record with who gave it, what for, and why it was refused', async (target, body, name, about, code) => {
    const { command, recorder } = await served();
    recorder.hold();
    const answer = command(target, { ...body, reason: 'INC-9' });
    await recorder.reached(1);
    recorder.letGo();
    expect((await answer).status).toBe(400);
    const operator = { uid: 0, reason: 'INC-9' };
    expect(recorder.records).toMatchObject([
      { type: 'admin.action', outcome: 'failed', reason: code, body: { command: name, target: about, operator } },
    ]);
  });

  test('tells no secret that was named by mistake, and is refused as well where the record fails', async () => {
    const { command, recorder, log } = await served();
    const secret = `eyJ${'a'.repeat(20)}.${'b'.repeat(20)}.c`;
    await command('/v1/leases/revoke', { id: secret, reason: 'x' });
    expect(recorder.only('admin.action').body).toMatchObject({ target: null });
    recorder.fail();
    expect((await command('/v1/issuer/rotate', { reason: 'x' })).json.code).toBe('record_unavailable');
    expect(log.lines).toMatchObject([{ level: 'error', message: 'a refused command is not on record' }]);
    expect(JSON.stringify(log.lines)).not.toContain(secret);
  });
});

describe('what gives nothing away waits for its record:', () => {
  test.each(['/v1/issuer/rotate', '/v1/leases/rotate'])('%s', async (target) => {
    const { command, recorder, signer, one } = await served();
    const [kid, lease] = [signer.currentKid(), (await one.token()).json.lease_id];
    recorder.hold();
    const answer = command(target, { ...(target.includes('leases') && { identity: BATCH }), reason: 'x' });
    await recorder.reached(2);
    const still = one.token();
    await recorder.reached(3);
    expect(signer.currentKid()).toBe(kid);
    recorder.letGo();
    expect([(await answer).status, (await still).json.lease_id]).toEqual([200, lease]);
    if (target.includes('issuer')) expect(signer.currentKid()).not.toBe(kid);
    else expect((await one.token()).json.lease_id).not.toBe(lease);
  });
});

describe('suspend', () => {
  test('ends what the identity holds, at once, and says how far it reaches', async () => {
    const { command, one, standing, show } = await served();
    await one.token();
    const answer = await command('/v1/identities/suspend', { id: BATCH, reason: 'x' });
    expect(answer.json).toEqual({ id: BATCH, state: 'suspended', leases_ended: 1, scope: 'this sidecar alone' });
    expect(standing.isSuspended(BATCH)).toBe(true);
    expect((await one.token()).json.code).toBe('identity_suspended');
    const { identities } = (await show('/v1/identities')).json as { identities: { id: string; state: string }[] };
    expect(identities.map(({ id, state }) => [id, state])).toEqual([
      [BATCH, 'suspended'],
      [OTHER, 'active'],
    ]);
  });

  test('holds though the disk fails, is recorded, and the operator is told', async () => {
    const { command, folder, standing, recorder } = await served();
    await mkdir(join(folder, 'standing.json.new'));
    const answer = await command('/v1/identities/suspend', { id: BATCH, reason: 'x' });
    expect([answer.status, answer.json.code]).toEqual([500, 'state_unusable']);
    expect(answer.json.error_description).toContain(join(folder, 'standing.json'));
    expect(standing.isSuspended(BATCH)).toBe(true);
    expect(recorder.types()).toEqual(['identity.suspended', 'admin.action']);
    expect(recorder.only('admin.action')).toMatchObject({ outcome: 'failed', reason: 'state_unusable' });
  });

  test('goes ahead without its record, which the log then tells', async () => {
    const { command, standing, recorder, log } = await served();
    recorder.fail();
    expect((await command('/v1/identities/suspend', { id: BATCH, reason: 'x' })).status).toBe(200);
    expect(standing.isSuspended(BATCH)).toBe(true);
    expect(log.lines.filter(({ level }) => level === 'error')).toMatchObject([
      { message: 'an identity was suspended without a record' },
    ]);
  });

  test('of an identity that there is not names the command that shows them', async () => {
    const { command } = await served();
    for (const id of ['spiffe://acme.example/nobody', '', 7, undefined, '__proto__']) {
      const answer = await command('/v1/identities/suspend', { id, reason: 'x' });
      expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request']);
      expect(answer.json.remedy).toContain('tallystick identities list');
    }
  });
});

describe('resume', () => {
  test('gives back after its record', async () => {
    const { command, recorder, standing, one } = await served();
    await command('/v1/identities/suspend', { id: BATCH, reason: 'x' });
    recorder.hold();
    const resumed = command('/v1/identities/resume', { id: BATCH, reason: 'y' });
    await recorder.reached(2);
    expect(standing.isSuspended(BATCH)).toBe(true);
    recorder.letGo();
    expect((await resumed).json).toEqual({ id: BATCH, state: 'active', scope: 'this sidecar alone' });
    expect((await one.token()).status).toBe(200);
  });

  test('gives nothing back where its record or the disk fails', async () => {
    const { command, recorder, standing, folder } = await served();
    await command('/v1/identities/suspend', { id: BATCH, reason: 'x' });
    await mkdir(join(folder, 'standing.json.new'));
    expect((await command('/v1/identities/resume', { id: BATCH, reason: 'y' })).json.code).toBe('state_unusable');
    await rmdir(join(folder, 'standing.json.new'));
    recorder.fail();
    expect((await command('/v1/identities/resume', { id: BATCH, reason: 'y' })).json.code).toBe('record_unavailable');
    expect(standing.isSuspended(BATCH)).toBe(true);
  });

  test('of an expired identity says that it is expired', async () => {
    const { command, time } = await served();
    await command('/v1/identities/suspend', { id: BATCH, reason: 'x' });
    time.jump(Date.parse('2030-01-01') - time.nowMs());
    expect((await command('/v1/identities/resume', { id: BATCH, reason: 'y' })).json.state).toBe('expired');
  });
});

describe('leases', () => {
  test('are listed with what they are for, never with their token', async () => {
    const { one, show, time } = await served();
    const { json } = await one.token();
    const answer = await show('/v1/leases');
    const issued = Math.floor(time.nowMs() / 1000) * 1000;
    expect(answer.json).toEqual({
      total: 1,
      leases: [
        {
          id: json.lease_id,
          identity: BATCH,
          credential: 'ledger-api',
          provider: 'issuer',
          type: 'access-token',
          binding: 'dpop',
          audience: 'https://ledger-api.acme.example',
          scope: 'journal.read journal.write',
          jkt: one.jkt,
          certificate: null,
          holders: [one.jkt],
          listening: 0,
          issued_at: new Date(issued).toISOString(),
          rotate_at: json.rotate_at,
          expires_at: new Date(issued + 900_000).toISOString(),
          live: false,
        },
      ],
    });
    expect(answer.body).not.toContain((json.access_token as string).split('.')[2]!);
  });

  test('are revoked by id, by identity, by key, or by both together', async () => {
    const { one, command, workload, sidecar, standing } = await served();
    const ids: Record<string, string> = {};
    const two = await holder(await workload());
    const three = await holder(await workload({ uid: 2000 }));
    for (const [name, who] of Object.entries({ one, two, three }))
      ids[name] = (await who.token()).json.lease_id as string;
    const revoke = async (names: object) =>
      (await command('/v1/leases/revoke', { ...names, reason: 'x' })).json.revoked;
    expect(await revoke({ identity: OTHER, jkt: one.jkt })).toEqual([]);
    expect(await revoke({ identity: BATCH, jkt: one.jkt })).toEqual([ids.one]);
    expect(await revoke({ id: ids.two })).toEqual([ids.two]);
    expect(await revoke({ jkt: three.jkt })).toEqual([ids.three]);
    expect(sidecar.table.size).toBe(0);
    await one.token();
    expect(await revoke({ identity: BATCH })).toHaveLength(1);
    // Of the identity also what an earlier run has issued.
    expect(standing.revokes({ jti: 'ls_earlier', jkt: 'k', sub: BATCH, iat: 0 })).toBe(true);
    expect((await three.token()).json.code).toBe('key_revoked');
    expect((await one.token()).status).toBe(200);
  });

  test('of an earlier run are barred by their id', async () => {
    const { command, standing, recorder } = await served();
    const id = 'ls_01KAMZ3CT000000000000000AA';
    expect((await command('/v1/leases/revoke', { id, reason: 'x' })).json).toEqual({ revoked: [id] });
    expect(standing.revocations()).toMatchObject([{ kind: 'jti', value: id }]);
    expect((recorder.only('credential.revoked').body as RevokedBody).leases).toEqual([id]);
  });

  test.each([
    {},
    { id: 'x' },
    { id: 7 },
    { identity: '' },
    { jkt: null },
    { id: 'ls_01KAMZ3CT000000000000000AA', jkt: 'k' },
  ])('that are not named so are refused: %j', async (names) => {
    const { command, one, sidecar } = await served();
    await one.token();
    for (const target of ['/v1/leases/revoke', '/v1/leases/rotate']) {
      const answer = await command(target, { ...names, reason: 'x' });
      expect([answer.status, answer.json.remedy]).toEqual([400, 'name a lease id, --identity or --jkt']);
    }
    expect(sidecar.table.size).toBe(1);
  });

  test('are replaced when asked to rotate, and good until then', async () => {
    const { command, one, standing } = await served();
    const first = (await one.token()).json.lease_id;
    expect((await command('/v1/leases/rotate', { identity: BATCH, reason: 'x' })).json).toEqual({ rotating: [first] });
    expect(standing.size).toBe(0);
    expect((await one.token()).json.lease_id).not.toBe(first);
  });

  test('that were replaced, or have expired, are not asked to rotate again', async () => {
    const { command, one, time, recorder } = await served();
    const rotate = async (names: object) =>
      (await command('/v1/leases/rotate', { ...names, reason: 'x' })).json.rotating;
    const first = (await one.token()).json.lease_id;
    await rotate({ identity: BATCH });
    const second = (await one.token()).json.lease_id;
    expect(second).not.toBe(first);
    expect(await rotate({ identity: BATCH })).toEqual([second]);
    expect(await rotate({ jkt: one.jkt })).toEqual([second]);
    expect(await rotate({ id: first })).toEqual([]);
    const asked = recorder.records.filter(({ type }) => type === 'credential.rotate_asked');
    expect(asked.map(({ body }) => (body as RevokedBody).leases)).toEqual([[first], [second], [second]]);
    time.jump(900_000);
    expect(await rotate({ identity: BATCH })).toEqual([]);
  });
});

describe('the issuer', () => {
  test('is shown with its keys, and rotates', async () => {
    const { command, show, signer, replySigner, recorder } = await served();
    const before = signer.currentKid();
    const answer = await command('/v1/issuer/rotate', { reason: 'yearly' });
    expect(answer.json).toEqual({ kid: signer.currentKid(), previous: before, record_id: 'record-0' });
    expect(recorder.only('issuer.key_rotated').body).toMatchObject({ kid: signer.currentKid(), previous: before });
    const { json } = await show('/v1/issuer');
    expect(json).toMatchObject({ issuer: signer.issuer, trust_domain: 'acme.example' });
    expect((json.jwks as { keys: { kid: string }[] }).keys.map(({ kid }) => kid)).toContain(before);
    expect(json.reply_keys).toEqual([replySigner.currentKid(), expect.not.stringMatching(replySigner.currentKid())]);
    expect(JSON.stringify(json)).not.toContain('"d"');
  });
});

test('the status tells what there is, and that an older copy of the record could not be told', async () => {
  const { show, one, command, recorder } = await served();
  await one.token();
  await command('/v1/identities/suspend', { id: OTHER, reason: 'x' });
  expect((await show('/v1/status')).json).toMatchObject({
    version: '0.0.0',
    pid: process.pid,
    started_at: '2026-11-22T12:00:00.250Z',
    epoch: 'epoch-1',
    ready: true,
    config_in_force: true,
    trust_domain: 'acme.example',
    identities: 2,
    suspended: [OTHER],
    leases: 1,
    event_streams: 0,
    revocations: 1,
    record: { writable: true, pending: 0, rollback: 'undetectable' },
  });
  recorder.fail();
  expect((await show('/v1/status')).json).toMatchObject({ ready: false, record: { writable: false } });
});

describe('the admin socket', () => {
  test('knows its own routes alone', async () => {
    const { socket, show } = await served();
    for (const target of [
      '/',
      '/v1',
      '/v1/status/',
      '/v1/leases/revoke',
      '/token',
      '/v1/identities/../status',
      '/__proto__',
    ]) {
      const answer = await show(target);
      expect([target, answer.status, answer.json.code]).toEqual([target, 404, 'route_unknown']);
    }
    expect((await ask(socket, { method: 'DELETE', target: '/v1/status' })).json.code).toBe('route_unknown');
  });

  test.each([
    ['application/json', ''],
    ['application/json', '{'],
    ['application/json', '[]'],
    ['application/json', 'null'],
    ['application/json', '"text"'],
    ['text/plain', '{"reason":"x"}'],
  ])('reads a JSON object or refuses: %s %j', async (type, body) => {
    const { socket } = await served();
    const answer = await ask(socket, {
      method: 'POST',
      target: '/v1/issuer/rotate',
      headers: { 'content-type': type },
      body,
    });
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request']);
  });

  test('refuses a body that is larger than it may be, and answers', async () => {
    const { command } = await served();
    expect((await command('/v1/issuer/rotate', { reason: 'x'.repeat(100_000) })).status).toBe(413);
  });

  test('tells a defect by its place and class in the log, and nothing of it to the client', async () => {
    const { command, log, standing } = await served({
      signer: (signer) => ({ ...signer, rotate: () => Promise.reject(new TypeError('a secret detail')) }),
    });
    const answer = await command('/v1/issuer/rotate', { reason: 'x' });
    expect([answer.status, answer.json.code]).toEqual([500, 'internal_error']);
    expect(log.lines).toMatchObject([{ level: 'error', message: 'an admin request failed', cause: 'TypeError' }]);
    expect(JSON.stringify([answer.body, log.lines])).not.toContain('a secret detail');
    expect(standing.size).toBe(0);
  });
});
