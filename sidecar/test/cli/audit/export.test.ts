import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ExportManifest } from '@tallystick/audit';
import { NOT_ON_RECORD, runCli } from '../run-cli.ts';
import { CLOSE, REPORT, vkeyAt, WrittenLogs } from './written-logs.ts';

const VKEY = vkeyAt({ incarnation: 1, shard: 1 });
const PERIOD = ['--since', '2026-11-22T09:10:00+01:00', '--until', '2026-11-22T09:40:00+01:00'];

async function exported(logs: WrittenLogs, format: string, ...more: string[]) {
  const out = join(logs.dir, `evidence.${format}`);
  const made = await runCli([
    'audit',
    'export',
    '--dir',
    logs.dir,
    '--vkey',
    VKEY,
    '--format',
    format,
    '--out',
    out,
    ...more,
  ]);
  return { ...made, out };
}

const judge = (logs: WrittenLogs, out: string, ...more: string[]) =>
  runCli(['audit', 'verify-export', out, '--dir', logs.dir, '--vkey', VKEY, ...more]);

test.each(['ndjson', 'csv', 'ocsf', 'otlp'])(
  'an export as %s can be made again from the log, also when that has grown',
  async (format) => {
    const logs = await WrittenLogs.plausible();
    const { code, stdout, stderr, out } = await exported(
      logs,
      format,
      ...PERIOD,
      '--identity',
      CLOSE,
      '--reason',
      'SOX Q4',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: NOT_ON_RECORD });
    expect(stdout).toBe(`${out}\n${out}.manifest.json\n  20 selected; 0 open intents, 0 gaps, 0 late\n`);
    const manifest = JSON.parse(readFileSync(`${out}.manifest.json`, 'utf8')) as ExportManifest;
    expect(manifest).toMatchObject({
      format,
      selected: 20,
      zone: '+01:00',
      query: { from: '2026-11-22T08:10:00.000Z', to: '2026-11-22T08:40:00.000Z', identity: CLOSE },
      exportedBy: { reason: 'SOX Q4' },
      tool: { name: 'tallystick' },
      logs: [{ origin: 'acme.example/sc-1/1/1', size: logs.size }],
    });
    await logs.deny(REPORT);
    await logs.publish();
    expect(await judge(logs, out)).toEqual({
      code: 0,
      stderr: '',
      stdout: 'holds: 20 records are what the log says, and all that it says\n',
    });
  },
);

test('a line of OTLP that is changed is found out by its body, its attributes and its place', async () => {
  const logs = await WrittenLogs.plausible();
  const { out } = await exported(logs, 'otlp', ...PERIOD, '--identity', CLOSE);
  const lines = readFileSync(out, 'utf8').split('\n');
  for (const [from, to] of [
    ['entitled', 'entitlee'],
    ['"severityNumber":9', '"severityNumber":8'],
    ['"intValue":"3', '"intValue":"2'],
  ] as const) {
    expect(lines[3]).toContain(from);
    writeFileSync(out, lines.with(3, lines[3]!.replace(from, to)).join('\n'));
    expect(await judge(logs, out)).toMatchObject({ code: 1, stdout: expect.stringContaining('line 4 is') as string });
  }
});

test('a line that is missing, added or changed is named', async () => {
  const logs = await WrittenLogs.plausible();
  const { out } = await exported(logs, 'ndjson', ...PERIOD, '--identity', CLOSE);
  const lines = readFileSync(out, 'utf8').split('\n');
  writeFileSync(out, lines.toSpliced(3, 1).join('\n'));
  const missing = await judge(logs, out);
  expect(missing).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(
      /^fails: 20 records\n {2}record \d+ of acme.example\/sc-1\/1\/1 is missing$/m,
    ) as string,
  });
  writeFileSync(out, lines.toSpliced(3, 0, lines[3]!).join('\n'));
  expect((await judge(logs, out)).stdout).toContain('  line 5 is of no record that was asked for\n');
  writeFileSync(out, lines.with(3, lines[3]!.replace('entitled', 'entitlee')).join('\n'));
  const { code, stdout } = await judge(logs, out, '--json');
  expect(JSON.parse(stdout)).toMatchObject({
    verdict: 'fails',
    differences: expect.arrayContaining([expect.objectContaining({ code: 'line_changed', line: 4 })]) as unknown,
  });
  expect(code).toBe(1);
});

test('a manifest that says something else than the log is found out, and one under a head of another key', async () => {
  const logs = await WrittenLogs.plausible();
  const { out } = await exported(logs, 'csv');
  const path = `${out}.manifest.json`;
  const whole = readFileSync(path, 'utf8');
  writeFileSync(path, whole.replace('"credential.denied": 6', '"credential.denied": 5'));
  expect((await judge(logs, out)).stdout).toContain('the manifest: "countsInRange" is not what the log gives');
  writeFileSync(path, whole.replace(`"size": ${logs.size}`, `"size": ${logs.size - 1}`));
  expect((await judge(logs, out)).stdout).toContain(
    'the head of acme.example/sc-1/1/1 is not signed by a key that is trusted',
  );
  writeFileSync(path, '{}');
  expect(await judge(logs, out)).toMatchObject({ code: 2, stdout: '' });
});

test('with the key of the folder itself an export holds, and shows nothing about whose log it is', async () => {
  const logs = await WrittenLogs.plausible();
  const { out } = await exported(logs, 'ocsf');
  const { code, stdout } = await runCli(['audit', 'verify-export', out, '--dir', logs.dir, '--json']);
  expect({ code, ...(JSON.parse(stdout) as object) }).toMatchObject({
    code: 3,
    verdict: 'holds',
    key: 'folder',
    differences: [],
  });
});

test('nothing is written of a log that was changed, and nothing over a file that is there', async () => {
  const logs = await WrittenLogs.plausible();
  const { path, at } = logs.bundle('"run-1"');
  logs.flip(path, at + 1);
  const { code, out, stderr } = await exported(logs, 'csv');
  expect({ code, why: stderr.includes('are not those under its signed head') }).toEqual({ code: 1, why: true });
  expect(() => readFileSync(out)).toThrow('ENOENT');
  expect(() => readFileSync(`${out}.partial`)).toThrow('ENOENT');
  logs.flip(path, at + 1);
  await exported(logs, 'csv');
  expect(await exported(logs, 'csv')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is there already') as string,
  });
});

test.each([
  [['--format', 'xml', '--out', 'x'], '--format must be one of csv, ndjson, ocsf, otlp'],
  [['--format', 'csv'], 'say where to: --out FILE'],
])('%j is a mistake in the command line', async (argv, message) => {
  const { code, stderr } = await runCli(['audit', 'export', '--dir', '.', ...argv]);
  expect({ code, explained: stderr.includes(message) }).toEqual({ code: 2, explained: true });
});
