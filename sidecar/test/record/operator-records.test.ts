import { describe, expect, test } from 'vitest';
import { createFloodRecords } from '../../src/record/flood-records.ts';
import { createLifecycleRecords } from '../../src/record/lifecycle-records.ts';
import { createOperatorRecords } from '../../src/record/operator-records.ts';
import { identity, registryOf } from '../acme.ts';
import { memoryLog } from '../memory-log.ts';
import { createRegistryRecords } from '../../src/record/registry/registry-records.ts';
import { lateRecords, memoryRecorder, NOTHING_RECORDED } from './memory-recorder.ts';
import { turns } from './turns.ts';

const ONE = identity('one');
const REGISTRY = registryOf([ONE]);
const OPERATOR = { uid: 0, loginUid: null, tty: null, reason: 'INC-9' };

function parts() {
  const recorder = memoryRecorder();
  const log = memoryLog();
  const options = { recorder, late: lateRecords(recorder), registry: () => REGISTRY, log };
  return { recorder, log, operator: createOperatorRecords(options), flood: createFloodRecords(options) };
}

describe('what an operator does', () => {
  test('is recorded with the identity, its owner, the operator and the reason', async () => {
    const { recorder, operator } = parts();
    operator.suspended(ONE, OPERATOR);
    await operator.resumed(ONE, OPERATOR);
    await operator.keyRotated('new', 'old', OPERATOR);
    await operator.refused('identities suspend', 'spiffe://x', 'invalid_request', OPERATOR);
    expect(recorder.records).toMatchObject([
      {
        type: 'identity.suspended',
        actor: 'operator',
        owner: ONE.owner,
        reason: 'INC-9',
        body: { identity: ONE.id, object: ONE, operator: OPERATOR },
      },
      {
        type: 'identity.resumed',
        actor: 'operator',
        owner: ONE.owner,
        reason: 'INC-9',
        body: { identity: ONE.id, object: ONE, operator: OPERATOR },
      },
      {
        type: 'issuer.key_rotated',
        actor: 'operator',
        owner: null,
        body: { kid: 'new', previous: 'old', operator: OPERATOR },
      },
      {
        type: 'admin.action',
        actor: 'operator',
        outcome: 'failed',
        reason: 'invalid_request',
        body: { command: 'identities suspend', target: 'spiffe://x', operator: OPERATOR },
      },
    ]);
  });

  test('a suspension does not wait for its record; giving back does', async () => {
    const { recorder, log, operator } = parts();
    recorder.fail();
    operator.suspended(ONE, OPERATOR);
    await expect(operator.resumed(ONE, OPERATOR)).rejects.toMatchObject({ code: 'record_unavailable' });
    await turns();
    expect(log.lines).toMatchObject([{ level: 'error', identity: ONE.id, code: 'record_unavailable' }]);
  });
});

describe('the end of a flood minute', () => {
  test('is recorded with what was counted, callers that nobody recognised apart', () => {
    const { recorder, flood } = parts();
    flood.onSuppressed({ uid: 7, reason: 'suspended', count: 3, firstMs: 0, lastMs: 1000 });
    flood.onRefused({ uid: -1, counts: { invalid_proof: 4 }, firstMs: 0, lastMs: 1000 });
    flood.onRefused({ uid: 7, counts: { identity_unknown: 2, stopping: 1, peer_gone: 3 }, firstMs: 0, lastMs: 1000 });
    expect(recorder.records).toMatchObject([
      {
        type: 'denied.suppressed',
        actor: 'sidecar',
        reason: 'suspended',
        body: { uid: 7, count: 3, first: '1970-01-01T00:00:00.000Z', last: '1970-01-01T00:00:01.000Z' },
      },
      { type: 'refused.summary', actor: 'sidecar', body: { uid: -1, counts: { invalid_proof: 4 } } },
      { type: 'attest.summary', outcome: 'denied', body: { uid: 7, counts: { identity_unknown: 2, peer_gone: 3 } } },
      { type: 'refused.summary', outcome: 'denied', body: { uid: 7, counts: { stopping: 1 } } },
    ]);
  });

  test('that cannot be recorded is logged, and harms nobody', async () => {
    const { recorder, log, flood } = parts();
    recorder.fail();
    flood.onSuppressed({ uid: 7, reason: 'suspended', count: 3, firstMs: 0, lastMs: 0 });
    flood.onRefused({ uid: 7, counts: { stopping: 1 }, firstMs: 0, lastMs: 0 });
    await turns();
    expect(log.lines.map(({ type }) => type)).toEqual(['denied.suppressed', 'refused.summary']);
  });
});

test('the life of the sidecar is recorded, each part durable when it resolves', async () => {
  const recorder = memoryRecorder();
  const registryRecords = createRegistryRecords({
    recorder,
    recorded: NOTHING_RECORDED,
    continues: false,
    standing: { isSuspended: () => false },
    log: memoryLog(),
  });
  const lifecycle = createLifecycleRecords({ recorder, registryRecords, registry: () => REGISTRY, version: '1.2.3' });
  await lifecycle.started();
  await lifecycle.configLoaded('file', 'digest');
  await lifecycle.configRefused(4);
  await lifecycle.stopped('SIGTERM');
  expect(recorder.records.map(({ type, outcome, body }) => [type, outcome, body])).toEqual([
    ['sidecar.started', 'success', { version: '1.2.3', node: process.version }],
    ['identity.registered', 'success', { change: null, identity: ONE.id, object: ONE }],
    ['config.loaded', 'success', { identities: 1, credentials: 1, source: 'file', sha256: 'digest' }],
    ['config.refused', 'failed', { mistakes: 4 }],
    ['sidecar.stopped', 'success', { cause: 'SIGTERM' }],
  ]);
  recorder.fail();
  await expect(lifecycle.started()).rejects.toMatchObject({ code: 'record_unavailable' });
});
