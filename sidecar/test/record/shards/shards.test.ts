import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createNodeDisk,
  createRecordJudge,
  foldersIn,
  inlineJournal,
  logFolder,
  parseOrigin,
  policyOfVkeys,
  verifyLogFolder,
  type OpenJournal,
  type SemanticRecordJudge,
} from '@tallystick/audit';
import { systemTimers, type IdentityObject, type Json, type Timers } from '@tallystick/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { NOT_ANCHORED } from '../../../src/anchor/anchoring-status.ts';
import type { OpenedRecorder, OpenRecorderOptions } from '../../../src/record/opened-recorder.ts';
import type { RecordInput } from '../../../src/record/record.ts';
import { journalThreads } from '../../../src/record/journal-threads.ts';
import { OF_THE_LOG } from '../../../src/record/of-the-log.ts';
import { openRecordedRegistry, readRecordedCopy } from '../../../src/record/registry/recorded-registry.ts';
import type { ShardAnchoring } from '../../../src/record/shards/shard-anchoring.ts';
import { startShardCutting } from '../../../src/record/shards/shard-cutting.ts';
import { writeStateFile } from '../../../src/state/state-file.ts';
import { identity, registryOf } from '../../acme.ts';
import { temporaryFolder } from '../../listen/temporary-folder.ts';
import { manualTime, type ManualTime } from '../../manual-time.ts';
import { memoryLog } from '../../memory-log.ts';
import { openedRecorder, recordsOf, SIDECAR, stopped } from '../opened-recorder.ts';

const YEAR_END = Date.parse('2027-01-01T00:00:00Z');
const registered = (object: IdentityObject): RecordInput<'identity.registered'> => ({
  ...OF_THE_LOG,
  type: 'identity.registered',
  body: { change: null, identity: object.id, object },
});
const suspended = (object: IdentityObject): RecordInput<'identity.suspended'> => ({
  ...OF_THE_LOG,
  type: 'identity.suspended',
  body: {
    change: null,
    effectiveAt: '2026-11-22T12:00:00.250Z',
    identity: object.id,
    late: false,
    object,
    operator: { loginUid: null, reason: 'INC-9', tty: null, uid: 0 },
  },
});

interface Running {
  readonly recorder: OpenedRecorder;
  readonly lines: ReturnType<typeof memoryLog>;
}

/** A recorder whose shards are cut, as a sidecar with these leases has them cut. */
async function cutting(
  folder: string,
  options: Partial<OpenRecorderOptions> = {},
  leases: readonly string[] = [],
  timers: Timers = systemTimers,
): Promise<Running> {
  const recorder = await openedRecorder(folder, options);
  const lines = memoryLog();
  const stop = startShardCutting({
    recorder,
    recorded: await openRecordedRegistry(folder, await readRecordedCopy(folder), recorder),
    isSuspended: () => false,
    leases: () => leases,
    keys: folder,
    timers,
    log: lines,
  });
  onTestFinished(stop);
  return { recorder, lines };
}

/** Verifies all shards in a folder, and what they say; returns their sizes. */
async function verified(folder: string): Promise<number[]> {
  const readFile = logFolder(folder);
  const shards = foldersIn(join(folder, '1')).sort((a, b) => Number(a) - Number(b));
  const judges: SemanticRecordJudge[] = [];
  const report = await verifyLogFolder({
    readFile,
    listFolders: (path) => foldersIn(join(folder, path)),
    judgeOf(origin) {
      const judge = createRecordJudge(origin);
      judges.push(judge);
      return judge;
    },
    policy: policyOfVkeys(shards.map((shard) => String(Buffer.from(readFile(`1/${shard}/vkey`)!)).trim())),
    level: 'full',
    nowMs: YEAR_END,
  });
  expect(report.integrity.findings).toEqual([]);
  expect(report.logs.flatMap(({ path, integrity }) => integrity.findings.map((found) => ({ path, ...found })))).toEqual(
    [],
  );
  expect(report.completeness.findings).toEqual([]);
  for (const { completeness } of report.logs) {
    expect(completeness.findings.map(({ code }) => code)).toEqual(['rollback_undetectable']);
  }
  expect(judges.flatMap((judge) => judge.notes())).toEqual([]);
  return report.logs.map(({ head }) => head!.size);
}

const typesOf = (records: readonly Record<string, unknown>[], shard: number): unknown[] =>
  records.filter(({ origin }) => parseOrigin(String(origin))!.shard === shard).map(({ type }) => type);

/** A clock that is moved to the last second of the year. */
function lastSecond(): ManualTime {
  const time = manualTime();
  time.jump(YEAR_END - 1000 - time.nowMs());
  return time;
}

describe('the end of a year of the books', () => {
  test('closes the shard with the period and its zone; the first record after it is in the next one', async () => {
    const folder = temporaryFolder();
    const clock = lastSecond();
    const { recorder } = await cutting(folder, { clock }, ['ls_01KAMZ3CT00000000000000001']);
    const [close, report] = [identity('close'), identity('report')];
    await recorder.append(registered(close));
    await recorder.append(registered(report));
    await recorder.append(suspended(report));
    clock.advance(1000);
    const ref = await recorder.append(stopped());
    expect(ref).toMatchObject({ origin: `acme.example/${SIDECAR}/1/2`, seq: 4 });
    expect(recorder.origin).toBe(ref.origin);
    const records = await recordsOf(recorder);
    expect(typesOf(records, 1).slice(-2)).toEqual(['log.period_closed', 'log.shard_closed']);
    expect(records.find(({ type }) => type === 'log.period_closed')).toMatchObject({
      body: { period: { from: '2026-01-01T00:00:00.000Z', to: '2027-01-01T00:00:00.000Z' }, zone: 'UTC' },
    });
    expect(records.find(({ type }) => type === 'log.shard_closed')).toMatchObject({
      body: { cause: 'period', next: ref.origin },
    });
    const opened = records.slice(-5);
    expect(opened[0]).toMatchObject({
      type: 'log.shard_opened',
      seq: 0,
      body: {
        cause: 'period',
        fingerprints: { id: recorder.fingerprint('').split(':')[1], escrow: null, sealed: null },
        identities: 2,
        intents: 0,
        leases: 1,
        previous: { size: records.length - 5 },
      },
    });
    expect(opened.slice(1, 3)).toMatchObject([
      { type: 'identity.listed', body: { object: close, suspended: false } },
      { type: 'identity.listed', body: { object: report, suspended: true } },
    ]);
    expect(opened[3]).toMatchObject({ type: 'log.carried', body: { leases: ['ls_01KAMZ3CT00000000000000001'] } });
    await recorder.close();
    expect(await verified(folder)).toEqual([records.length - 5, 5]);
  });

  test('is met by the first record after it, also where the sidecar was away', async () => {
    const folder = temporaryFolder();
    const before = await cutting(folder, { clock: lastSecond() });
    await before.recorder.close();
    const after = manualTime(YEAR_END + 5_000_000);
    const { recorder } = await cutting(folder, { clock: after });
    expect(recorder.place.shard).toBe(1);
    expect((await recorder.append(stopped())).origin).toMatch(/\/1\/2$/);
    await recorder.close();
    await verified(folder);
  });

  test('cuts once: neither a clock that goes back, nor a restart, cuts again', async () => {
    const folder = temporaryFolder();
    const clock = lastSecond();
    const { recorder } = await cutting(folder, { clock });
    clock.jump(2000);
    await recorder.append(stopped());
    clock.jump(-86_400_000);
    await recorder.append(stopped());
    clock.jump(86_400_000);
    await recorder.append(stopped());
    await recorder.close();
    const again = await cutting(folder, { clock });
    expect((await again.recorder.append(stopped())).origin).toMatch(/\/1\/2$/);
  });
});

describe('a shard that is full', () => {
  test('gives way to the next one; what is appended meanwhile waits, and keeps its order', async () => {
    const folder = temporaryFolder();
    const { recorder } = await cutting(folder, { shardRecords: 20 });
    const appended = Array.from({ length: 100 }, (_, i) => recorder.append(stopped(`cause ${i}`)));
    const refs = await Promise.all(appended);
    const records = await recordsOf(recorder);
    const causes = records.flatMap(({ type, body }) =>
      type === 'sidecar.stopped' ? [(body as { cause: string }).cause] : [],
    );
    expect(causes).toEqual(Array.from({ length: 100 }, (_, i) => `cause ${i}`));
    for (const { id, seq, origin } of refs) {
      expect(records.filter((record) => record.origin === origin)[seq]).toMatchObject({ id, seq });
    }
    expect(recorder.place.shard).toBeGreaterThan(1);
    await recorder.close();
    const sizes = await verified(folder);
    expect(sizes[0]).toBe(21);
    expect(records.find(({ type }) => type === 'log.shard_closed')).toMatchObject({ body: { cause: 'size' } });
  });

  test('is not cut before it has a record of its own, however many identities it begins with', async () => {
    const folder = temporaryFolder();
    const { recorder } = await cutting(folder, { shardRecords: 3 });
    for (const name of ['a', 'b', 'c', 'd', 'e']) await recorder.append(registered(identity(name)));
    const { shard } = recorder.place;
    for (let i = 1; i < 4; i++) {
      await recorder.append(stopped());
      expect(recorder.place.shard).toBe(shard + i);
    }
    await recorder.close();
    await verified(folder);
  });

  test('has the log of the sidecar say which key the trust policy is to take', async () => {
    const { recorder, lines } = await cutting(temporaryFolder(), { shardRecords: 3 });
    await recorder.append(stopped());
    await recorder.append(stopped());
    const [opened] = (await recordsOf(recorder)).filter(({ type }) => type === 'log.shard_opened');
    const { vkey } = opened!.body as { vkey: string };
    expect(lines.lines).toContainEqual(expect.objectContaining({ record: recorder.origin, vkey }));
  });
});

describe('the thread of the next journal', () => {
  /** A recorder over journals in threads, and how many threads were started since. */
  async function threaded(options: Partial<OpenRecorderOptions>) {
    let started = 0;
    const count = (): void => void started++;
    subscribe('worker_threads', count);
    onTestFinished(() => void unsubscribe('worker_threads', count));
    const { open: openJournal, prepare: prepareJournal } = journalThreads();
    const { recorder } = await cutting(temporaryFolder(), { openJournal, prepareJournal, ...options });
    return { recorder, started: () => started };
  }

  test('is there before the year ends, and no sooner than minutes: the cut starts none', async () => {
    const clock = lastSecond();
    clock.jump(1000 - 300_001);
    const { recorder, started } = await threaded({ clock });
    await recorder.append(stopped());
    expect(started()).toBe(1);
    clock.advance(1);
    for (let i = 0; i < 3; i++) await recorder.append(stopped());
    expect(started()).toBe(2);
    clock.advance(300_000);
    expect((await recorder.append(stopped())).origin).toMatch(/\/1\/2$/);
    expect(started()).toBe(2);
  });

  test('is there before a shard is full, and then for the one that follows', async () => {
    const { recorder, started } = await threaded({ shardRecords: 1030 });
    const appendTo = async (seq: number) => {
      for (let at = -1; at < seq;) at = (await recorder.append(stopped())).seq;
    };
    await appendTo(4);
    expect(started()).toBe(1);
    await appendTo(6);
    expect(started()).toBe(2);
    await Promise.all(Array.from({ length: 1030 - 7 }, () => recorder.append(stopped())));
    expect([recorder.place.shard, started()]).toEqual([1, 2]);
    expect((await recorder.append(stopped())).origin).toMatch(/\/1\/2$/);
    expect(started()).toBe(2);
    await appendTo(6);
    expect(started()).toBe(3);
  });
});

describe('the key of a shard', () => {
  const keysIn = async (folder: string) => (await readdir(folder)).filter((name) => name.startsWith('log-key')).sort();

  test('is its own, and is removed when the next one has begun', async () => {
    const folder = temporaryFolder();
    const { recorder, lines } = await cutting(folder, { shardRecords: 3 });
    expect(await keysIn(folder)).toEqual(['log-key-1-1.json']);
    await recorder.append(stopped());
    await recorder.append(stopped());
    await expect.poll(() => keysIn(folder)).toEqual(['log-key-1-2.json']);
    expect(lines.lines).toContainEqual(expect.objectContaining({ shard: '1/1' }));
    await recorder.close();
    const vkeys = ['1/1', '1/2'].map((path) =>
      String(Buffer.from(logFolder(folder)(`${path}/vkey`)!))
        .split('+')
        .at(-1),
    );
    expect(new Set(vkeys).size).toBe(2);
  });

  test('of a log that was begun when an incarnation had one key goes on to the end of its shard, and is then removed', async () => {
    const folder = temporaryFolder();
    await (await openedRecorder(folder)).close();
    const { content } = JSON.parse(await readFile(join(folder, 'log-key-1-1.json'), 'utf8')) as {
      content: { jwk: Json };
    };
    await rm(join(folder, 'log-key-1-1.json'));
    await writeStateFile(
      join(folder, 'log-key-1.json'),
      'the key of the log',
      { incarnation: 1, jwk: content.jwk },
      0o400,
    );
    const { recorder } = await cutting(folder, { shardRecords: 3 });
    await recorder.append(stopped());
    await recorder.append(stopped());
    expect(recorder.place.shard).toBe(2);
    await expect.poll(() => keysIn(folder)).toEqual(['log-key-1-2.json']);
    await recorder.close();
    await verified(folder);
  });

  test('stays where heads are anchored, until one of the next shard is', async () => {
    const folder = temporaryFolder();
    const time = manualTime();
    let size = 0;
    const shards: string[] = [];
    const anchor = async (): Promise<ShardAnchoring> => ({
      status: () => NOT_ANCHORED,
      newest: () => undefined,
      hangs: false,
      anchoredSize: () => size,
      goOn: ({ origin }) => void shards.push(origin),
      finish: async () => {},
      stop: async () => {},
    });
    const { recorder } = await cutting(folder, { shardRecords: 3, anchor }, [], time);
    await recorder.append(stopped());
    await recorder.append(stopped());
    expect(shards).toEqual([recorder.origin]);
    await expect.poll(() => time.waiting).toBe(1);
    expect(await keysIn(folder)).toEqual(['log-key-1-1.json', 'log-key-1-2.json']);
    size = 1;
    time.advance(60_000);
    await expect.poll(() => keysIn(folder)).toEqual(['log-key-1-2.json']);
    expect(time.waiting).toBe(0);
  });
});

/** An inline journal whose commits fail from the one on that the test says. */
function failingJournal(left: { commits: number }): OpenJournal {
  const open = inlineJournal(createNodeDisk);
  return async (folder, onBatch) => {
    const opened = await open(folder, onBatch);
    return {
      ...opened,
      committer: {
        ...opened.committer,
        async commit(body) {
          if (left.commits-- <= 0) throw Object.assign(new Error('EIO'), { code: 'EIO' });
          return opened.committer.commit(body);
        },
      },
    };
  };
}

describe('a cut that fails', () => {
  // So many that the first records of a shard take two commits.
  const many = Array.from({ length: 1500 }, (_, i) => identity(`service-${String(i).padStart(4, '0')}`));

  test.each([
    ['its last records', 0, 1],
    ['the first records of the next shard', 1, 2],
    ['the rest of them', 2, 2],
  ])('at %s is completed by the next start, or was not begun', { timeout: 30_000 }, async (_, commits, shard) => {
    const folder = temporaryFolder();
    const clock = lastSecond();
    const left = { commits: Infinity };
    const failures: unknown[] = [];
    const broken = await cutting(folder, {
      clock,
      openJournal: failingJournal(left),
      onFailure: (error) => failures.push(error),
    });
    await Promise.all(many.map((each) => broken.recorder.append(registered(each))));
    left.commits = commits;
    clock.advance(2000);
    await expect(broken.recorder.append(stopped())).rejects.toMatchObject({ code: 'record_unavailable' });
    await expect(broken.recorder.append(stopped())).rejects.toMatchObject({ code: 'record_unavailable' });
    expect(failures).toHaveLength(1);
    expect(broken.recorder.isWritable()).toBe(false);
    await broken.recorder.close().catch(() => {});
    const { recorder } = await cutting(folder, { clock });
    expect(recorder.place.shard).toBe(shard);
    expect((await openRecordedRegistry(folder, await readRecordedCopy(folder), recorder)).identities.size).toBe(1500);
    expect((await recorder.append(stopped())).origin).toMatch(/\/1\/2$/);
    await recorder.close();
    await verified(folder);
  });
});

test('what a start finds closed, with nothing that says what follows, is refused', async () => {
  const folder = temporaryFolder();
  const recorder = await openedRecorder(folder);
  await recorder.append({
    ...OF_THE_LOG,
    type: 'log.shard_closed',
    body: { cause: 'period', next: `acme.example/${SIDECAR}/1/2` },
  });
  await recorder.close();
  await expect(openedRecorder(folder)).rejects.toMatchObject({ code: 'state_unusable' });
});

test('what a credential names as the registry in force is what the new shard lists', async () => {
  const folder = temporaryFolder();
  const { recorder } = await cutting(folder, { shardRecords: 4 });
  const registry = registryOf([identity('close')]);
  const denied = (): RecordInput<'credential.denied'> =>
    ({
      ...OF_THE_LOG,
      type: 'credential.denied',
      actor: identity('close').id,
      outcome: 'denied',
      registry: { root: registry.digest.root, entry: registry.digest.entries.get(identity('close').id) },
      body: DENIED,
    }) as RecordInput<'credential.denied'>;
  await recorder.append(registered(identity('close')));
  for (let i = 0; i < 12; i++) await recorder.append(denied());
  expect(recorder.place.shard).toBeGreaterThan(2);
  await recorder.close();
  await verified(folder);
});

const DENIED = {
  assurance: 'process',
  binding: null,
  entitlement: 'ledger-api',
  fp: null,
  from: { node: 'n1', pid: 12, podUid: null, uid: 1001 },
  granted: null,
  handles: null,
  jkt: 'A'.repeat(43),
  name: 'ledger-api',
  notAfter: null,
  proof: { iat: 1_795_000_000, jti: 'j1', sha256: 'A'.repeat(43) },
  provider: 'issuer',
  requestHash: 'A'.repeat(43),
  requested: { clientId: null, resource: null, scope: null },
  selectors: ['unix:uid:1001'],
  source: null,
};
