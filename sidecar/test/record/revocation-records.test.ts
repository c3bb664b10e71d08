import { describe, expect, test } from 'vitest';
import type { RevokedBody } from '../../src/record/record.ts';
import { createRevocationRecords } from '../../src/record/revocation-records.ts';
import { identity, registryOf } from '../acme.ts';
import { memoryLog } from '../memory-log.ts';
import { lateRecords, memoryRecorder } from './memory-recorder.ts';
import { turns } from './turns.ts';

const [ONE, TWO] = [identity('one'), identity('two', { owner: { ...identity('two').owner, id: 'team-two' } })];
const REGISTRY = registryOf([ONE, TWO]);
const OPERATOR = { uid: 0, loginUid: 1000, tty: '136:1', reason: 'SEC-7' };
const lease = (id: string, of = ONE.id) => ({ id: `ls_${id}`, key: { identity: of } });

/** What every record of a taking says beside who and what, here. */
const AT_ONCE = { effectiveAt: '2026-11-22T12:00:00.250Z', late: false, upstream: null };

function records() {
  const recorder = memoryRecorder();
  const log = memoryLog();
  const late = lateRecords(recorder);
  return { recorder, log, records: createRevocationRecords({ recorder, late, registry: () => REGISTRY, log }) };
}

describe('leases taken back', () => {
  test('by their holder are recorded under its identity, with its owner and the lease', () => {
    const { recorder, records: revocations } = records();
    revocations.revoked([lease('a')], 'holder', null);
    expect(recorder.only('credential.revoked')).toMatchObject({
      actor: ONE.id,
      owner: ONE.owner,
      lease: 'ls_a',
      registry: { root: REGISTRY.digest.root, entry: REGISTRY.digest.entries.get(ONE.id) },
      body: { identity: ONE.id, leases: ['ls_a'], jkt: null, by: 'holder', operator: null },
    });
  });

  test('by an operator are recorded with who, why, and one record for each identity', () => {
    const { recorder, records: revocations } = records();
    const leases = [lease('a'), lease('b', TWO.id), lease('c')];
    revocations.revokedByOperator({ identity: null, jkt: 'key', unknown: null, leases }, OPERATOR);
    expect(
      recorder.records.map(({ actor, reason, owner, lease: own, body }) => ({ actor, reason, owner, own, body })),
    ).toEqual([
      {
        actor: 'operator',
        reason: 'SEC-7',
        owner: ONE.owner,
        own: null,
        body: {
          identity: ONE.id,
          leases: ['ls_a', 'ls_c'],
          jkt: 'key',
          by: 'operator',
          operator: OPERATOR,
          ...AT_ONCE,
        },
      },
      {
        actor: 'operator',
        reason: 'SEC-7',
        owner: TWO.owner,
        own: 'ls_b',
        body: { identity: TWO.id, leases: ['ls_b'], jkt: 'key', by: 'operator', operator: OPERATOR, ...AT_ONCE },
      },
    ]);
  });

  test('are on record also where none was found: what was barred is', () => {
    const { recorder, records: revocations } = records();
    const none = { identity: null, jkt: null, unknown: null, leases: [] };
    revocations.revokedByOperator({ ...none, jkt: 'key' }, OPERATOR);
    revocations.revokedByOperator({ ...none, identity: TWO.id }, OPERATOR);
    revocations.revokedByOperator({ ...none, unknown: 'ls_x' }, OPERATOR);
    expect(recorder.records.map(({ owner, body }) => [owner?.id ?? null, body])).toEqual([
      [null, { identity: null, leases: [], jkt: 'key', by: 'operator', operator: OPERATOR, ...AT_ONCE }],
      ['team-two', { identity: TWO.id, leases: [], jkt: null, by: 'operator', operator: OPERATOR, ...AT_ONCE }],
      [null, { identity: null, leases: ['ls_x'], jkt: null, by: 'operator', operator: OPERATOR, ...AT_ONCE }],
    ]);
  });

  test('are spread over as many records as they fill', () => {
    const { recorder, records: revocations } = records();
    revocations.revoked(
      Array.from({ length: 1201 }, (_, i) => lease(String(i).padStart(26, '0'))),
      'sidecar',
      null,
    );
    const sizes = recorder.records.map(({ body }) => (body as RevokedBody).leases.length);
    expect(sizes).toEqual([500, 500, 201]);
    for (const record of recorder.records) expect(JSON.stringify(record).length).toBeLessThan(59_000);
  });

  test('stay so where the record fails, and the log says it', async () => {
    const { recorder, log, records: revocations } = records();
    recorder.fail();
    revocations.revoked([lease('a')], 'holder', null);
    await turns();
    expect(log.lines).toMatchObject([{ level: 'error', code: 'record_unavailable' }]);
    await expect(revocations.rotateAsked([lease('a')], OPERATOR)).rejects.toMatchObject({ code: 'record_unavailable' });
  });
});

test('leases that an operator asked to rotate are recorded with who and why', async () => {
  const { recorder, records: revocations } = records();
  await revocations.rotateAsked([lease('a'), lease('b', TWO.id)], OPERATOR);
  expect(recorder.records.map(({ type, actor, reason, body }) => [type, actor, reason, body])).toEqual([
    ['credential.rotate_asked', 'operator', 'SEC-7', { leases: ['ls_a'], operator: OPERATOR }],
    ['credential.rotate_asked', 'operator', 'SEC-7', { leases: ['ls_b'], operator: OPERATOR }],
  ]);
});
