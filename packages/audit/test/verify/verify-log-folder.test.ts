import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  cosigner,
  foldersIn,
  formatVkey,
  inWorkers,
  KEY_TYPE,
  logFolder,
  parseTlogPolicy,
  policyOfVkeys,
  publicNoteKey,
  verifyExitCode,
  verifyLogFolder,
  type Checkpoint,
  type LogFolderReport,
  type NoteSigner,
  type VerifyLogFolderOptions,
} from '../../src/index.ts';
import { putFiles, recordAt, writeLog, type WrittenLog } from './log-on-disk.ts';
import { NOW } from './verified.ts';

const PREFIX = 'acme.example/sidecar-1';

/** Returns a log whose first record carries the head of the one before it. */
function carryOn(
  path: string,
  size: number,
  type: string,
  previous: Checkpoint | null,
  witnesses: readonly NoteSigner[] = [],
): WrittenLog {
  const head = previous && { ...previous, root: Buffer.from(previous.root).toString('base64') };
  const first = Buffer.from(JSON.stringify({ body: { previous: head }, type }));
  return writeLog(size, { origin: `${PREFIX}/${path}`, witnesses, recordAt: (i) => (i === 0 ? first : recordAt(i)) });
}

/** Three logs: the first, its next shard, and an incarnation after it. */
function threeLogs(): { [path: string]: WrittenLog } {
  const first = carryOn('1/1', 300, 'log.genesis', null);
  const shard = carryOn('1/2', 20, 'log.shard_opened', first.head);
  return { '1/1': first, '1/2': shard, '2/1': carryOn('2/1', 5, 'log.genesis', shard.head) };
}

/** Two shards, of which the first says that the second follows it. */
function closedAndNext(): { [path: string]: WrittenLog } {
  const first = Buffer.from(JSON.stringify({ body: { previous: null }, type: 'log.genesis' }));
  const last = Buffer.from(JSON.stringify({ body: { next: `${PREFIX}/1/2` }, type: 'log.shard_closed' }));
  const closed = writeLog(300, {
    origin: `${PREFIX}/1/1`,
    recordAt: (i) => (i === 0 ? first : i === 299 ? last : recordAt(i)),
  });
  return { '1/1': closed, '1/2': carryOn('1/2', 20, 'log.shard_opened', closed.head) };
}

function verifiedFolder(
  logs: Readonly<Record<string, WrittenLog>>,
  { without, policy = policyOfVkeys(Object.values(logs).map(({ vkey }) => vkey)), ...how }: Partial<Given> = {},
): Promise<LogFolderReport> {
  const files = new Map<string, Buffer>();
  for (const [path, log] of Object.entries(logs)) {
    for (const [file, bytes] of log.files) files.set(`${path}/${file}`, bytes);
  }
  if (without !== undefined) files.delete(without);
  return verifyLogFolder({
    readFile: (path) => files.get(path),
    listFolders: (path) => {
      const below = [...files.keys()].filter((file) => path === '' || file.startsWith(`${path}/`));
      return [...new Set(below.map((file) => file.slice(path === '' ? 0 : path.length + 1).split('/')[0]!))];
    },
    policy,
    level: 'full',
    nowMs: NOW,
    ...how,
  });
}

interface Given extends Pick<VerifyLogFolderOptions, 'policy' | 'judgeOf'> {
  /** A file that is not there. */
  readonly without: string;
}

const codes = ({ integrity, completeness }: LogFolderReport): string[] =>
  [...integrity.findings, ...completeness.findings].map(({ code, file }) => `${code} ${file}`);

describe('the logs of a sidecar', () => {
  test('each carry on from the one before, in the order of their numbers', async () => {
    const report = await verifiedFolder(threeLogs());
    expect(report.logs.map(({ path, head }) => [path, head?.size])).toEqual([
      ['1/1', 300],
      ['1/2', 20],
      ['2/1', 5],
    ]);
    expect(codes(report)).toEqual([]);
    // Nobody has anchored the last one, and with it none.
    expect(report).toMatchObject({ integrity: { verdict: 'holds' }, completeness: { verdict: 'not_shown' } });
    expect(verifyExitCode(report)).toBe(3);
  });

  test('are complete where the last of them is anchored, and fail where an earlier one then lacks a record', async () => {
    const logs = threeLogs();
    const witness = { name: 'witness.example', privateKey: generateKeyPairSync('ed25519').privateKey };
    const anchored = carryOn('2/1', 5, 'log.genesis', logs['1/2']!.head, [cosigner(witness, () => NOW / 1000)]);
    const given = { ...logs, '2/1': anchored };
    const lines = Object.values(given).map(({ vkey }) => `log ${vkey}`);
    lines.push(`witness w ${formatVkey(publicNoteKey(witness, KEY_TYPE.cosignature))}`, 'quorum w', '');
    const policy = parseTlogPolicy(Buffer.from(lines.join('\n')));
    expect(verifyExitCode(await verifiedFolder(given, { policy }))).toBe(0);
    expect(verifyExitCode(await verifiedFolder(given, { policy, without: '1/2/tile/entries/000.p/20' }))).toBe(1);
    const gap = { verdict: 'completeness', rule: 'heartbeat_gap', detail: 'silent for an hour' } as const;
    const judgeOf = (origin: string) => ({
      onRecord: () => undefined,
      findings: () => (origin === `${PREFIX}/1/1` ? [gap] : []),
    });
    expect(verifyExitCode(await verifiedFolder(given, { policy, judgeOf }))).toBe(3);
  });

  test('fail with one whose records were changed', async () => {
    const logs = threeLogs();
    logs['1/2']!.files.set('tile/0/000.p/20', Buffer.alloc(640));
    const report = await verifiedFolder(logs);
    expect(report.integrity.verdict).toBe('fails');
    expect(report.logs.map(({ integrity }) => integrity.verdict)).toEqual(['holds', 'fails', 'holds']);
    expect(codes(report)).toEqual([]);
  });

  test('may begin with a later one: what its retention allows is gone, and that is said', async () => {
    const { '1/2': second, '2/1': third } = threeLogs();
    const report = await verifiedFolder({ '1/2': second!, '2/1': third! });
    expect(codes(report)).toEqual(['earlier_log_absent 1/2/tile/entries/000']);
    expect(verifyExitCode(report)).toBe(3);
  });

  test('are not shown to be complete where one says that another follows it, which is not there', async () => {
    const { '1/1': closed, '1/2': next } = closedAndNext();
    expect(codes(await verifiedFolder({ '1/1': closed!, '1/2': next! }))).toEqual([]);
    const report = await verifiedFolder({ '1/1': closed! });
    expect(report.completeness.findings).toMatchObject([{ code: 'next_log_absent', record: 299 }]);
    expect(report.integrity.verdict).toBe('holds');
    expect(verifyExitCode(report)).toBe(3);
  });

  test('fail where one between them is missing', async () => {
    const { '1/1': first, '2/1': third } = threeLogs();
    const report = await verifiedFolder({ '1/1': first!, '2/1': third! });
    expect(codes(report)).toEqual(['log_missing 2/1/tile/entries/000']);
    expect(verifyExitCode(report)).toBe(1);
  });

  test('fail where an earlier one has lost its end', async () => {
    const logs = threeLogs();
    const { privateKey } = logs['1/1']!;
    const first = logs['1/1']!.records[0]!;
    const shorter = writeLog(299, {
      origin: `${PREFIX}/1/1`,
      privateKey,
      recordAt: (i) => (i === 0 ? first : recordAt(i)),
    });
    const report = await verifiedFolder({ ...logs, '1/1': shorter });
    expect(codes(report)).toEqual(['rolled_back 1/2/tile/entries/000']);
    expect(verifyExitCode(report)).toBe(1);
  });

  test('fail where an earlier one was replaced by another of the same size', async () => {
    const logs = threeLogs();
    const { privateKey } = logs['1/2']!;
    const origin = `${PREFIX}/1/2`;
    const replaced = writeLog(20, {
      origin,
      privateKey,
      recordAt: (i) => (i === 0 ? logs['1/2']!.records[0]! : Buffer.from('{}')),
    });
    expect(codes(await verifiedFolder({ ...logs, '1/2': replaced }))).toEqual(['link_mismatch 2/1/tile/entries/000']);
  });

  test.each(['the root of then', 'the root of now'])(
    'fail where an earlier one has more records than were carried over, with %s',
    async (root) => {
      const first = carryOn('1/1', 300, 'log.genesis', null);
      const earlier = carryOn('1/1', 299, 'log.genesis', null).head;
      const carried = root === 'the root of then' ? earlier : { ...earlier, root: first.head.root };
      const report = await verifiedFolder({ '1/1': first, '1/2': carryOn('1/2', 2, 'log.shard_opened', carried) });
      expect(codes(report)).toEqual(['link_mismatch 1/2/tile/entries/000']);
    },
  );

  test('fail where two carry on from the same one', async () => {
    const logs = threeLogs();
    const again = carryOn('2/1', 5, 'log.genesis', logs['1/1']!.head);
    expect(codes(await verifiedFolder({ ...logs, '2/1': again }))).toEqual(['link_forked 2/1/tile/entries/000']);
  });

  test('fail where one carries the head of a later one', async () => {
    const later = carryOn('1/2', 20, 'log.shard_opened', carryOn('1/1', 1, 'log.genesis', null).head);
    const report = await verifiedFolder({ '1/1': carryOn('1/1', 3, 'log.genesis', later.head), '1/2': later });
    expect(codes(report)).toContain('link_mismatch 1/1/tile/entries/000');
  });

  test.each([
    ['carries none', 'log.genesis', false],
    ['is no first record', 'log.heartbeat', true],
  ])('fail where the first record of a later one %s', async (_, type, carries) => {
    const logs = threeLogs();
    const last = carryOn('2/1', 5, type, carries ? logs['1/2']!.head : null);
    const report = await verifiedFolder({ ...logs, '2/1': last });
    expect(codes(report)).toEqual(['link_missing 2/1/tile/entries/000']);
  });

  test('fail where one lies in the folder of another', async () => {
    const { '1/1': first, '1/2': second } = threeLogs();
    expect(codes(await verifiedFolder({ '1/1': first!, '1/3': second! }))).toEqual(['origin_mismatch 1/3/checkpoint']);
  });

  test('fail where one is of another sidecar', async () => {
    const { '1/1': first } = threeLogs();
    const [record] = carryOn('1/2', 1, 'log.shard_opened', first!.head).records;
    const foreign = writeLog(1, { origin: 'acme.example/sidecar-2/1/2', recordAt: () => record! });
    expect(codes(await verifiedFolder({ '1/1': first!, '1/2': foreign }))).toEqual(['origin_mismatch 1/2/checkpoint']);
  });

  test('do not count one that was begun and has published nothing', async () => {
    const begun = { ...threeLogs()['2/1']!, files: new Map([['vkey', Buffer.from('x')]]) };
    const report = await verifiedFolder({ ...threeLogs(), '3/1': begun });
    expect(report.logs.length).toBe(3);
    const empty = await verifiedFolder({ ...threeLogs(), '3/1': writeLog(0, { origin: `${PREFIX}/3/1` }) });
    expect(codes(empty)).toEqual([]);
  });

  test('fail where a checkpoint was taken away and the tiles are there', async () => {
    const report = await verifiedFolder(threeLogs(), { without: '2/1/checkpoint' });
    expect(report.logs[2]!.integrity.findings).toMatchObject([{ code: 'checkpoint_missing' }]);
    expect(report.integrity.verdict).toBe('fails');
  });

  test('are not there in a folder that has none', async () => {
    await expect(verifiedFolder({})).rejects.toMatchObject({ code: 'log_invalid' });
  });
});

describe('on disk', () => {
  const folderOf = (logs: Readonly<Record<string, WrittenLog>>): string => {
    const folder = mkdtempSync(join(tmpdir(), 'tallystick-verify-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    for (const [path, log] of Object.entries(logs)) putFiles(join(folder, path), log.files);
    return folder;
  };
  const verifiedOnDisk = (folder: string, logs: Readonly<Record<string, WrittenLog>>): Promise<LogFolderReport> =>
    verifyLogFolder({
      readFile: logFolder(folder),
      listFolders: (path) => foldersIn(join(folder, path)),
      rangesOf: (path) => inWorkers({ folder: join(folder, path), threads: 1 }),
      policy: policyOfVkeys(Object.values(logs).map(({ vkey }) => vkey)),
      level: 'full',
      nowMs: NOW,
    });

  test('the logs of a sidecar hold, whatever else lies beside them', async () => {
    const logs = threeLogs();
    const folder = folderOf(logs);
    mkdirSync(join(folder, 'lost+found'));
    expect(await verifiedOnDisk(folder, logs)).toEqual(await verifiedFolder(logs));
  });

  test.each([
    ['a folder', (path: string) => mkdirSync(path)],
    ['a named pipe', (path: string) => void execFileSync('mkfifo', [path])],
  ])('%s in the place of a tile is an error, not a verdict', async (_, put) => {
    const logs = threeLogs();
    const folder = folderOf(logs);
    rmSync(join(folder, '1/1/tile/0/000'));
    put(join(folder, '1/1/tile/0/000'));
    await expect(verifiedOnDisk(folder, logs)).rejects.toThrow('tile/0/000 is not a file');
  });
});
