import { describe, expect, test } from 'vitest';
import { ask, type Answer } from '../listen/unix-client.ts';
import { serveSidecar } from './served-sidecar.ts';

const ORIGIN = 'acme.example/01KAMZ3CT000000000000000AA/1/1';
const EARLIER = 'acme.example/01KAMZ3CT000000000000000AA/1/2';
const DIGEST = 'A'.repeat(43);
const READ = { origin: ORIGIN, command: 'audit log', query: { lease: 'ls_x' }, returned: 3, source: 'leaves' };
const EXPORT = {
  origin: ORIGIN,
  cutOff: '2026-11-22T08:00:00.000Z',
  format: 'csv',
  heads: [{ origin: ORIGIN, root: `${DIGEST}=`, size: 7 }],
  manifest: DIGEST,
  query: {},
  rows: 7,
  zone: 'UTC',
};

async function served() {
  const own = await serveSidecar();
  const socket = await own.admin({ pid: process.pid });
  const tell = (target: string, body: object): Promise<Answer> =>
    ask(socket, {
      method: 'POST',
      target,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  return { ...own, tell };
}

describe('a read of the log', () => {
  test('is on record with who read what, and durable before the command is answered', async () => {
    const { tell, recorder } = await served();
    recorder.hold();
    const records = [{ id: '01KAMZ3CT000000000000000AB', origin: EARLIER }];
    let answered = false;
    const answer = tell('/v1/audit/reads', { ...READ, records, reason: 'SOX Q4' }).then((value) => {
      answered = true;
      return value;
    });
    await recorder.reached(1);
    expect(answered).toBe(false);
    recorder.letGo();
    expect((await answer).json).toEqual({ record_id: 'record-0' });
    const { origin: _, ...told } = READ;
    expect(recorder.only('log.read')).toMatchObject({
      actor: 'operator',
      reason: 'SOX Q4',
      refs: [{ rel: 'read', ...records[0] }],
      body: { ...told, operator: { uid: 0, reason: 'SOX Q4' } },
    });
  });

  test('needs no reason, and one that holds a secret is refused', async () => {
    const { tell, recorder } = await served();
    expect((await tell('/v1/audit/reads', READ)).status).toBe(200);
    expect(recorder.only('log.read').body).toMatchObject({ operator: { reason: 'none given' } });
    const leaked = await tell('/v1/audit/reads', { ...READ, reason: `eyJ${'a'.repeat(20)}.${'b'.repeat(20)}.c` });
    expect([leaked.status, leaked.json.code, recorder.records.length]).toEqual([400, 'invalid_request', 1]);
  });

  test('of a log of another sidecar is not recorded in this one', async () => {
    const { tell, recorder } = await served();
    for (const origin of ['acme.example/sc-2/1/1', 'other.example/01KAMZ3CT000000000000000AA/1/1', 'x']) {
      expect((await tell('/v1/audit/reads', { ...READ, origin })).json).toEqual({ record_id: null });
      expect((await tell('/v1/audit/exports', { ...EXPORT, origin })).json).toEqual({ record_id: null });
    }
    expect((await tell('/v1/audit/reads', { ...READ, origin: EARLIER })).json).toEqual({ record_id: 'record-0' });
    expect(recorder.records).toHaveLength(1);
  });

  test.each([
    [{ origin: 7 }],
    [{ query: { secret: 'x' } }],
    [{ returned: -1 }],
    [{ source: 'memory' }],
    [{ more: 1 }],
    [{ records: [{ id: 'x', origin: ORIGIN }] }],
    [{ records: [null] }],
    [{ records: Array.from({ length: 65 }, () => ({ id: '01KAMZ3CT000000000000000AB', origin: ORIGIN })) }],
  ])('that is not told as it must be is refused, and nothing recorded: %j', async (change) => {
    const { tell, recorder } = await served();
    const answer = await tell('/v1/audit/reads', { ...READ, ...change });
    expect([answer.status, answer.json.code, recorder.records]).toEqual([400, 'invalid_request', []]);
  });

  test('is answered as not recorded where the record fails', async () => {
    const { tell, recorder } = await served();
    recorder.fail();
    expect((await tell('/v1/audit/reads', READ)).json.code).toBe('record_unavailable');
  });
});

test('an export is on record with the digest of its manifest and the heads it was made of', async () => {
  const { tell, recorder } = await served();
  expect((await tell('/v1/audit/exports', EXPORT)).json).toEqual({ record_id: 'record-0' });
  const { origin: _, ...told } = EXPORT;
  expect(recorder.only('log.exported')).toMatchObject({ actor: 'operator', body: { ...told, operator: { uid: 0 } } });
  expect((await tell('/v1/audit/exports', { ...EXPORT, manifest: 'x' })).json.code).toBe('invalid_request');
});
