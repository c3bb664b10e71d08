import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { createLateRecords, openLateStore, type LateStore, type Taking } from '../../src/record/late-records.ts';
import { temporaryFolder } from '../listen/temporary-folder.ts';
import { manualTime } from '../manual-time.ts';
import { memoryLog } from '../memory-log.ts';
import { memoryRecorder, NO_STORE } from './memory-recorder.ts';
import { turns } from './turns.ts';

const TAKING: Taking<'credential.revoked'> = {
  type: 'credential.revoked',
  actor: 'operator',
  owner: null,
  process: null,
  registry: null,
  lease: null,
  outcome: 'success',
  reason: 'INC-9',
  trace: null,
  body: { by: 'operator', identity: null, jkt: null, leases: [], operator: null, upstream: null },
};
const THEN = '2026-11-22T12:00:00.250Z';

function parts(store: LateStore = NO_STORE) {
  const [recorder, time, log] = [memoryRecorder(), manualTime(), memoryLog()];
  return { recorder, time, log, late: createLateRecords({ recorder, store, clock: time, timers: time, log }) };
}

describe('what takes a right away', () => {
  test('is recorded with when it took effect, and is not late where the log takes it', async () => {
    const { recorder, late } = parts();
    await late.append(TAKING);
    expect(recorder.only('credential.revoked').body).toMatchObject({ effectiveAt: THEN, late: false });
    expect(late.waiting).toBe(0);
  });

  test('is recorded as late when the log takes records again', async () => {
    const { recorder, time, late } = parts();
    recorder.fail();
    await expect(late.append(TAKING)).rejects.toMatchObject({ code: 'record_unavailable' });
    expect(late.waiting).toBe(1);
    time.advance(30_000);
    await turns();
    expect(late.waiting).toBe(1);
    recorder.recover();
    time.advance(30_000);
    await turns();
    expect(recorder.only('credential.revoked').body).toMatchObject({ effectiveAt: THEN, late: true });
    expect(late.waiting).toBe(0);
  });

  test('is recorded as late by the next start', async () => {
    const folder = temporaryFolder();
    const first = parts(await openLateStore(folder));
    first.recorder.fail();
    await expect(first.late.append(TAKING)).rejects.toThrow();
    first.late.stop();
    const second = parts(await openLateStore(folder));
    expect(second.late.waiting).toBe(1);
    await second.late.flush();
    expect(second.recorder.only('credential.revoked')).toMatchObject({
      reason: 'INC-9',
      body: { effectiveAt: THEN, late: true },
    });
    expect((await openLateStore(folder)).takings).toEqual([]);
    expect(await readdir(folder)).toEqual(['late-records.json']);
  });

  test('holds also where nothing can be kept for later: the log says so', async () => {
    const { recorder, log, late } = parts({ takings: [], keep: () => Promise.reject(new Error('EIO')) });
    recorder.fail();
    await expect(late.append(TAKING)).rejects.toMatchObject({ code: 'record_unavailable' });
    expect(log.lines).toMatchObject([{ message: 'records to be made late are not on disk' }]);
  });
});
