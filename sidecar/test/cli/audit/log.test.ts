import { join } from 'node:path';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { NOT_ON_RECORD, runCli } from '../run-cli.ts';
import { CLOSE, REPORT, vkeyAt, WrittenLogs } from './written-logs.ts';

const VKEY = vkeyAt({ incarnation: 1, shard: 1 });

interface Listed {
  readonly source: string;
  readonly selected: number;
  readonly records: readonly {
    index: number;
    origin: string;
    leafHash: string;
    record: { type: string; actor: string };
  }[];
}

async function list(logs: WrittenLogs, ...more: string[]): Promise<Listed> {
  const { code, stdout, stderr } = await runCli(['audit', 'log', '--dir', logs.dir, '--vkey', VKEY, '--json', ...more]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: NOT_ON_RECORD });
  return JSON.parse(stdout) as Listed;
}

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-index-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'index.db');
}

/** Each filter, and how many of the plausible log it selects. */
const QUERIES: readonly (readonly [readonly string[], number])[] = [
  [['--identity', CLOSE], 41],
  [['--identity', REPORT], 28],
  [['--owner', 'team-payments'], 40],
  [['--process', 'BP-1042'], 66],
  [['--process', 'BP-9'], 6],
  [['--run', 'run-1'], 30],
  [['--outcome', 'denied'], 6],
  [['--type', 'credential.*'], 66],
  [['--type', 'identity.suspended'], 1],
  [['--since', '2026-11-22T09:30:00+01:00', '--until', '2026-11-22T08:40:00Z'], 21],
  [['--identity', REPORT, '--outcome', 'denied', '--since', '2026-11-22T08:30:00Z'], 3],
  [['--identity', 'spiffe://acme.example/nobody'], 0],
];

test.each(QUERIES)('%j selects %i records, from verified leaves and from an index alike', async (filter, selected) => {
  const logs = await WrittenLogs.plausible();
  const verified = await list(logs, ...filter);
  expect(verified).toMatchObject({ source: 'verified leaves', selected });
  expect(verified.records).toHaveLength(selected);
  const indexed = await list(logs, ...filter, '--index', scratch());
  expect(indexed).toEqual({ ...verified, source: 'index, not evidence' });
});

test('a lease is found with all that became of it', async () => {
  const logs = await WrittenLogs.plausible();
  const { records } = await list(logs, '--lease', logs.leases[7]!);
  expect(records).toMatchObject([
    { origin: 'acme.example/sc-1/1/1', record: { type: 'credential.released', lease: logs.leases[7] } },
  ]);
});

test('the table names each record, and tells where it comes from', async () => {
  const logs = await WrittenLogs.plausible();
  const { stdout, stderr } = await runCli([
    'audit',
    'log',
    '--dir',
    logs.dir,
    '--vkey',
    VKEY,
    '--type',
    'identity.suspended',
  ]);
  expect(stdout).toMatch(/^time +type +outcome +who +whom +lease +reason +record$/m);
  expect(stdout).toMatch(
    new RegExp(
      `^2026-11-22T09:00:00.000Z +identity.suspended +success +operator +${REPORT} +— +INC-4711 +1/1/${logs.size - 1}$`,
      'm',
    ),
  );
  expect(stderr).toBe(`${NOT_ON_RECORD}1 record; from verified leaves\n`);
  const ofFolder = await runCli(['audit', 'log', '--dir', logs.dir, '--limit', '2', '--index', scratch()]);
  expect(ofFolder.stderr).toBe(
    `${NOT_ON_RECORD}${logs.size} records, the newest 2 shown (--limit); from index, not evidence; the key is that of the folder itself\n`,
  );
});

test('what a workload claims executes nothing in a terminal', async () => {
  const logs = await WrittenLogs.begin();
  await logs.append(
    'admin.action',
    {
      command: 'issuer rotate',
      operator: { loginUid: null, reason: 'x', tty: null, uid: 0 },
      target: null,
      v: 1,
    },
    { actor: 'operator', reason: '=cmd|\u202e\u200bevil' },
  );
  await logs.publish();
  const { stdout } = await runCli(['audit', 'log', '--dir', logs.dir, '--vkey', VKEY, '--type', 'admin.action']);
  expect(stdout).toContain("'=cmd|\\u{202e}\\u{200b}evil");
});

test('the index goes on with the log, and is made anew where it is of another one or of no version of ours', async () => {
  const logs = await WrittenLogs.plausible();
  const index = scratch();
  expect(await list(logs, '--index', index)).toMatchObject({ selected: logs.size });
  await logs.release(CLOSE, 'run-9');
  await logs.publish();
  expect(await list(logs, '--index', index, '--run', 'run-9')).toMatchObject({ selected: 1 });
  const older = new DatabaseSync(index);
  older.exec('DROP TABLE terms; PRAGMA user_version = 0');
  older.close();
  expect(await list(logs, '--index', index, '--run', 'run-9')).toMatchObject({ selected: 1 });
  const other = await WrittenLogs.begin();
  await other.publish();
  expect(await list(other, '--index', index)).toMatchObject({ selected: 2 });
  expect(await list(logs, '--index', index)).toMatchObject({ selected: logs.size });
});

test('what is no index is left alone, and none is put among the logs', async () => {
  const logs = await WrittenLogs.begin();
  await logs.publish();
  const file = scratch();
  writeFileSync(file, 'my notes, which are no database at all, and long enough to have a header of one');
  const on = (index: string) => runCli(['audit', 'log', '--dir', logs.dir, '--vkey', VKEY, '--index', index]);
  expect(await on(file)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('cannot be used as an index\n  remove it') as string,
  });
  expect(readFileSync(file, 'utf8')).toContain('my notes');
  const theirs = scratch();
  const database = new DatabaseSync(theirs);
  database.exec('CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES (1); PRAGMA user_version = 7');
  expect((await on(theirs)).stderr).toContain('is a database of something else\n  name another file');
  expect(database.prepare('SELECT count(*) AS count FROM notes').get()).toEqual({ count: 1 });
  database.close();
  expect(await on('/nowhere/index.db')).toMatchObject({ code: 1 });
  const within = join(logs.dir, '1/index.db');
  expect((await on(within)).stderr).toContain('is in the folder of the logs');
  expect(existsSync(within)).toBe(false);
});

test('nothing of a log that was changed is listed, and no index is made of it', async () => {
  const logs = await WrittenLogs.plausible();
  const { path, at } = logs.bundle('"run-1"');
  logs.flip(path, at + 1);
  for (const more of [[], ['--index', scratch()]]) {
    const { code, stdout, stderr } = await runCli(['audit', 'log', '--dir', logs.dir, '--vkey', VKEY, ...more]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(
      'the records of the log 1/1 are not those under its signed head\n  run "tallystick audit verify"',
    );
  }
});

test.each([
  [['--since', '2026-11-22'], '--since has no time with a zone: write it as 2026-11-22T08:00:00Z'],
  [['--until', 'yesterday'], '--until is not a time'],
  [['--since', '2026-11-22T09:00:00Z', '--until', '2026-11-22T09:00:00Z'], 'the period is empty'],
  [['--limit', '0'], '--limit is a number of records'],
])('%j is a mistake in the command line', async (argv, message) => {
  const { code, stderr } = await runCli(['audit', 'log', '--dir', '.', ...argv]);
  expect({ code, explained: stderr.includes(message) }).toEqual({ code: 2, explained: true });
});

test('the tail is the newest records, over the end of a shard', async () => {
  const logs = await WrittenLogs.plausible();
  await logs.nextShard();
  const keys = join(logs.dir, 'keys');
  writeFileSync(keys, `${VKEY}\n${vkeyAt({ incarnation: 1, shard: 2 })}\n`);
  const { code, stdout } = await runCli(['audit', 'tail', '--dir', logs.dir, '--vkey', keys, '--count', '5', '--json']);
  expect(code).toBe(0);
  const types = stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { record: { type: string } }).record.type);
  expect(types).toEqual([
    'identity.suspended',
    'log.shard_closed',
    'log.shard_opened',
    'identity.listed',
    'identity.listed',
  ]);
  const table = await runCli(['audit', 'tail', '--dir', logs.dir, '--vkey', keys]);
  expect(table.stdout.trimEnd().split('\n')).toHaveLength(21);
  const { path, at } = logs.bundle('INC-4711');
  logs.flip(path, at);
  const changed = await runCli(['audit', 'tail', '--dir', logs.dir, '--vkey', keys]);
  expect({ code: changed.code, stdout: changed.stdout }).toEqual({ code: 1, stdout: '' });
  expect((await runCli(['audit', 'tail', '--dir', logs.dir, '--count', 'many'])).stderr).toContain(
    '--count is a number',
  );
});
