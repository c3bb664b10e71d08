import type { IdentityObject } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import { openRecordedRegistry, readRecordedCopy } from '../../../src/record/registry/recorded-registry.ts';
import { registryChanges } from '../../../src/record/registry/registry-changes.ts';
import { createRegistryRecords } from '../../../src/record/registry/registry-records.ts';
import { identity, registryOf } from '../../acme.ts';
import { temporaryFolder } from '../../listen/temporary-folder.ts';
import { memoryLog } from '../../memory-log.ts';
import { memoryRecorder, NOTHING_RECORDED } from '../memory-recorder.ts';
import { openedRecorder } from '../opened-recorder.ts';

const [A, B] = [identity('a'), identity('b')];
const mapOf = (...identities: IdentityObject[]) => new Map(identities.map((each) => [each.id, each]));
const changesOf = (before: IdentityObject[], after: IdentityObject[]) =>
  registryChanges(mapOf(...before), mapOf(...after), () => undefined).map(({ type, body }) => [type, body.identity]);

describe('what has changed in a registry', () => {
  test('is told by whole objects, in the order of ids', () => {
    expect(changesOf([], [B, A])).toEqual([
      ['identity.registered', A.id],
      ['identity.registered', B.id],
    ]);
    expect(changesOf([A, B], [A])).toEqual([['identity.retired', B.id]]);
    expect(changesOf([A], [A])).toEqual([]);
    const [change] = registryChanges(mapOf(A), mapOf({ ...A, purpose: 'another' }), () => undefined);
    expect(change).toMatchObject({
      type: 'identity.updated',
      body: { object: { purpose: 'another' }, previous: registryOf([A]).digest.entries.get(A.id) },
    });
  });

  test('tells a new owner from any other update, and who it was before', () => {
    const [change] = registryChanges(mapOf(A), mapOf({ ...A, owner: { ...A.owner, id: 'team-b' } }), () => undefined);
    expect(change).toMatchObject({ type: 'identity.owner_changed', body: { from: A.owner } });
  });
});

function parts(options: { continues?: boolean; suspended?: string } = {}) {
  const recorder = memoryRecorder();
  const records = createRegistryRecords({
    recorder,
    recorded: NOTHING_RECORDED,
    continues: options.continues ?? false,
    standing: { isSuspended: (id) => id === options.suspended },
    log: memoryLog(),
  });
  return { recorder, records };
}

describe('a load of configuration', () => {
  test('records what the log does not know yet, once', async () => {
    const { recorder, records } = parts();
    await records.record(registryOf([A]));
    await records.record(registryOf([A]));
    await records.record(registryOf([A, B]));
    expect(recorder.types()).toEqual(['identity.registered', 'identity.registered']);
    const registry = registryOf([A, B]);
    expect(recorder.records[1]).toMatchObject({
      owner: B.owner,
      registry: { root: registry.digest.root, entry: registry.digest.entries.get(B.id) },
      body: { identity: B.id, object: B, change: null },
    });
  });

  test('takes its place in the log before anything that follows it', async () => {
    const { recorder, records } = parts();
    recorder.hold();
    const recorded = records.record(registryOf([A]));
    expect(recorder.types()).toEqual(['identity.registered']);
    recorder.letGo();
    await recorded;
  });

  test('that could not be recorded is recorded by the next', async () => {
    const { recorder, records } = parts();
    recorder.fail();
    await expect(records.record(registryOf([A]))).rejects.toMatchObject({ code: 'record_unavailable' });
    recorder.recover();
    await records.record(registryOf([A]));
    expect(recorder.types()).toEqual(['identity.registered']);
  });

  test('into a new incarnation lists the identities, suspended ones as such', async () => {
    const { recorder, records } = parts({ continues: true, suspended: B.id });
    await records.record(registryOf([A, B]));
    expect(recorder.records.map(({ type, body }) => [type, (body as { suspended: boolean }).suspended])).toEqual([
      ['identity.listed', false],
      ['identity.listed', true],
    ]);
  });
});

describe('what the log knows of identities', () => {
  test('is read from the log where there is no copy, or one of another log', async () => {
    const [log, state] = [temporaryFolder(), temporaryFolder()];
    const recorder = await openedRecorder(log);
    const options = { continues: false, standing: { isSuspended: () => false }, log: memoryLog() };
    const before = await openRecordedRegistry(state, await readRecordedCopy(state), recorder);
    const records = createRegistryRecords({ recorder, recorded: { ...before, keep: async () => {} }, ...options });
    await records.record(registryOf([A, B]));
    await records.record(registryOf([{ ...A, purpose: 'another' }]));
    const read = await openRecordedRegistry(state, await readRecordedCopy(state), recorder);
    expect([...read.identities.values()]).toEqual([{ ...A, purpose: 'another' }]);
    await read.keep(mapOf(B));
    expect([
      ...(await openRecordedRegistry(state, await readRecordedCopy(state), recorder)).identities.values(),
    ]).toEqual([B]);
    expect(
      (await openRecordedRegistry(state, await readRecordedCopy(state), { ...recorder, origin: 'other' })).identities
        .size,
    ).toBe(1);
  });
});
