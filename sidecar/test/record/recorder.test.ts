import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createNodeDisk,
  createRecordJudge,
  foldersIn,
  inlineJournal,
  logFolder,
  policyOfVkeys,
  verifyLogFolder,
  type OpenJournal,
} from '@tallystick/audit';
import { isUlid } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import { refuseEarlierRecord } from '../../src/state/earlier-record.ts';
import { temporaryFolder } from '../listen/temporary-folder.ts';
import { manualTime } from '../manual-time.ts';
import { openedRecorder, recordsOf, SIDECAR, stopped } from './opened-recorder.ts';

const OPERATOR = { uid: 0, loginUid: null, tty: null, reason: 'INC-9' };

/** An inline journal whose commits the test holds back or fails. */
function journalUnder(control: { commit?: () => Promise<void> }): OpenJournal {
  const open = inlineJournal(createNodeDisk);
  return async (folder, onBatch) => {
    const opened = await open(folder, onBatch);
    const { committer } = opened;
    return {
      ...opened,
      committer: {
        ...committer,
        async commit(body) {
          await control.commit?.();
          return committer.commit(body);
        },
      },
    };
  };
}

describe('a log', () => {
  test('begins with where it comes from and who begins to write, and goes on with records in their order', async () => {
    const folder = temporaryFolder();
    const recorder = await openedRecorder(folder);
    const refs = await Promise.all(Array.from({ length: 50 }, () => recorder.append(stopped())));
    expect(refs.map(({ seq }) => seq)).toEqual(Array.from({ length: 50 }, (_, i) => i + 2));
    const [genesis, boot, first] = await recordsOf(recorder);
    const origin = `acme.example/${SIDECAR}/1/1`;
    expect(genesis).toMatchObject({
      type: 'log.genesis',
      origin,
      body: { cause: 'new', previous: null, operator: null },
    });
    expect(boot).toMatchObject({ type: 'log.boot', seq: 1, body: { previousBoot: null, version: '1.2.3' } });
    expect(first).toEqual({
      ...stopped(),
      body: { cause: 'signal', v: 1 },
      v: 1,
      origin,
      id: refs[0]!.id,
      seq: 2,
      time: '2026-11-22T12:00:00.250Z',
      clock: null,
      boot: expect.toSatisfy(isUlid) as string,
      corr: null,
      refs: [],
    });
  });

  test('has a key of its own, durable before its first record and readable by nobody else', async () => {
    const folder = temporaryFolder();
    await openedRecorder(folder);
    expect((await stat(join(folder, 'log-key-1-1.json'))).mode & 0o777).toBe(0o400);
  });

  test('goes on over a restart under one key, and names the run before', async () => {
    const folder = temporaryFolder();
    for (let run = 0; run < 3; run++) {
      const recorder = await openedRecorder(folder);
      await recorder.append(stopped());
      await recorder.close();
    }
    const records = await recordsOf(await openedRecorder(folder));
    const boots = records.filter(({ type }) => type === 'log.boot') as {
      boot: string;
      body: { previousBoot: string };
    }[];
    expect(boots.map(({ body }) => body.previousBoot)).toEqual([null, ...boots.slice(0, -1).map(({ boot }) => boot)]);
    expect(records.map(({ seq }) => seq)).toEqual(records.map((_, i) => i));
  });

  test('is accepted by the verifier, its records by their judge', async () => {
    const folder = temporaryFolder();
    for (let run = 0; run < 3; run++) {
      const recorder = await openedRecorder(folder);
      await Promise.all(Array.from({ length: 300 }, () => recorder.append(stopped())));
      await recorder.close();
    }
    const vkey = (await readFile(join(folder, '1/1/vkey'), 'utf8')).trim();
    const report = await verifyLogFolder({
      readFile: logFolder(folder),
      listFolders: (path) => foldersIn(join(folder, path)),
      judgeOf: () => createRecordJudge(`acme.example/${SIDECAR}/1/1`),
      policy: policyOfVkeys([vkey]),
      level: 'full',
      nowMs: Date.now(),
    });
    expect(report.integrity).toMatchObject({ verdict: 'holds' });
    expect(report.logs[0]!.completeness.findings.map(({ code }) => code)).toEqual(['rollback_undetectable']);
    expect(report.logs[0]!.head).toMatchObject({ size: 904 });
  });

  test('whose key is gone is refused with the next step, and a new incarnation names its last head', async () => {
    const folder = temporaryFolder();
    const first = await openedRecorder(folder);
    await first.append(stopped());
    await first.close();
    await rm(join(folder, 'log-key-1-1.json'));
    await expect(openedRecorder(folder)).rejects.toMatchObject({
      code: 'state_unusable',
      remedy: expect.stringContaining('--new-incarnation') as string,
    });
    const second = await openedRecorder(folder, { newIncarnation: OPERATOR });
    const [genesis, boot] = await recordsOf(second);
    expect(genesis).toMatchObject({
      origin: `acme.example/${SIDECAR}/2/1`,
      actor: 'operator',
      reason: 'INC-9',
      body: { cause: 'repaired', operator: OPERATOR, previous: { origin: `acme.example/${SIDECAR}/1/1`, size: 3 } },
    });
    expect(boot).toMatchObject({ type: 'log.boot' });
    await second.close();
    expect((await openedRecorder(folder)).origin).toBe(`acme.example/${SIDECAR}/2/1`);
  });

  test.each(['{}', '{"sha256":"x","content":{}}'])('whose key file is torn is refused: %j', async (text) => {
    const folder = temporaryFolder();
    await (await openedRecorder(folder)).close();
    await chmod(join(folder, 'log-key-1-1.json'), 0o600);
    await writeFile(join(folder, 'log-key-1-1.json'), text, { mode: 0o600 });
    await expect(openedRecorder(folder)).rejects.toMatchObject({ code: 'state_unusable' });
  });

  test('has one writer', async () => {
    const folder = temporaryFolder();
    await openedRecorder(folder);
    await expect(openedRecorder(folder)).rejects.toMatchObject({ code: 'state_unusable', fault: 'locked' });
  });

  test('that has used its space refuses records, and says that it does', async () => {
    const folder = temporaryFolder();
    const recorder = await openedRecorder(folder, { localMax: 65_536 + 8192 });
    const failed = async (): Promise<unknown> => {
      for (;;) await recorder.append(stopped('x'.repeat(100)));
    };
    await expect(failed()).rejects.toMatchObject({ code: 'record_unavailable', fault: 'no_space' });
    expect([recorder.isWritable(), recorder.status().space.level]).toEqual([false, 'full']);
  });
});

describe('a record', () => {
  test('is not there until the disk says so, and nobody is told before', async () => {
    const control: { commit?: () => Promise<void> } = {};
    const recorder = await openedRecorder(temporaryFolder(), { openJournal: journalUnder(control) });
    const gate = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    control.commit = () => {
      asked.resolve();
      return gate.promise;
    };
    let told = false;
    const record = recorder.append(stopped()).then(() => (told = true));
    await asked.promise;
    expect([told, recorder.pending, recorder.status().size]).toEqual([false, 1, 2]);
    gate.resolve();
    await record;
    expect([recorder.pending, recorder.status().size]).toEqual([0, 3]);
  });

  test('that may not be written takes no number and ends nothing', async () => {
    const recorder = await openedRecorder(temporaryFolder());
    const secret = `hvs.${'A'.repeat(24)}`;
    await expect(recorder.append(stopped(secret))).rejects.toMatchObject({
      code: 'record_unavailable',
      fault: 'secret',
    });
    await expect(recorder.append(stopped('two\nlines'))).rejects.toMatchObject({ fault: 'body' });
    expect((await recorder.append(stopped())).seq).toBe(2);
    expect(recorder.isWritable()).toBe(true);
  });

  test('after a failure is refused, readiness says so, and it is told once', async () => {
    const failures: unknown[] = [];
    const control: { commit?: () => Promise<void> } = {};
    const recorder = await openedRecorder(temporaryFolder(), {
      openJournal: journalUnder(control),
      onFailure: (error) => failures.push(error),
    });
    control.commit = () => Promise.reject(new Error('EIO'));
    for (let i = 0; i < 2; i++) {
      await expect(recorder.append(stopped())).rejects.toMatchObject({ code: 'record_unavailable' });
    }
    expect([recorder.isWritable(), failures.length]).toEqual([false, 1]);
  });

  test('after the clock was set says how far, once', async () => {
    const time = manualTime();
    const recorder = await openedRecorder(temporaryFolder(), { clock: time });
    time.jump(-600_000);
    for (let i = 0; i < 2; i++) await recorder.append(stopped());
    const clocks = (await recordsOf(recorder)).slice(2).map(({ clock }) => clock);
    expect(clocks).toEqual([{ offset_ms: -600_000, source: 'step', synced: null }, null]);
  });

  test('of a start after the clock went back says how far', async () => {
    const folder = temporaryFolder();
    const time = manualTime();
    await (await openedRecorder(folder, { clock: time })).close();
    time.jump(-600_000);
    const records = await recordsOf(await openedRecorder(folder, { clock: time }));
    expect(records.at(-1)).toMatchObject({ type: 'log.boot', clock: { offset_ms: -600_000, source: 'last-record' } });
  });
});

test('an idle log says every minute that its writer is alive; one that is written to does not', async () => {
  const time = manualTime();
  const recorder = await openedRecorder(temporaryFolder(), { clock: time, heartbeat: time });
  const beats = async (): Promise<number> => {
    // What was begun is durable when a record after it is.
    await recorder.append(stopped());
    return (await recordsOf(recorder)).filter(({ type }) => type === 'log.heartbeat').length;
  };
  time.advance(60_000);
  expect(await beats()).toBe(1);
  for (let i = 0; i < 4; i++) {
    time.advance(20_000);
    expect(await beats()).toBe(1);
  }
  for (let i = 0; i < 3; i++) time.advance(60_000);
  expect(await beats()).toBe(4);
});

test('JSON lines of an earlier version are refused by name, with where to put them', async () => {
  const folder = temporaryFolder();
  await refuseEarlierRecord(join(folder, 'missing'));
  await refuseEarlierRecord(folder);
  await writeFile(join(folder, `records-000000000000-${SIDECAR}.jsonl`), '{"seq":0}\n');
  await expect(refuseEarlierRecord(folder)).rejects.toMatchObject({
    code: 'state_unusable',
    description: expect.stringContaining('records-000000000000') as string,
    remedy: expect.stringContaining('move') as string,
  });
  expect(await readdir(folder)).toHaveLength(1);
});
