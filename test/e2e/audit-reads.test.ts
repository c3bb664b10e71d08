// Who reads the record of a running sidecar, and who looks for a secret that has leaked, is on record themselves.
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { expect, onTestFinished, test } from 'vitest';
import { command, tallystick, type CommandResult } from '../daemon/command.ts';
import { SERVICE, startDaemon, TALLYSTICK, type Daemon } from '../daemon/daemon.ts';
import { ENVIRONMENT } from '../daemon/program.ts';
import { allPublished } from '../daemon/published.ts';
import { socketClient } from '../daemon/socket-client.ts';
import { codeBlocks } from '../rules/markdown.ts';
import { readText } from '../rules/repository.ts';
import { describeWithServers } from '../servers/require-server.ts';

interface Listed {
  readonly records: readonly {
    readonly origin: string;
    readonly index: number;
    readonly record: {
      readonly id: string;
      readonly type: string;
      readonly reason: string;
      readonly refs: readonly { readonly id: string }[];
      readonly body: Readonly<Record<string, unknown>>;
    };
  }[];
}

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-reads-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function listed(daemon: Daemon, ...args: readonly string[]): Promise<Listed['records']> {
  const { stdout } = await command(daemon, 'audit', 'log', '--json', ...args);
  return (JSON.parse(stdout) as Listed).records;
}

async function released(daemon: Daemon): Promise<{ token: string; lease: string; record: string }> {
  const json = (await (await socketClient(daemon.socket)).token()).json();
  const lease = String(json.lease_id);
  // Before that, nobody can read its record.
  await allPublished(daemon);
  return { token: String(json.access_token), lease, record: String(json.record_id) };
}

test('every command that shows records is on record before it shows them, with who gave it and what for', async () => {
  await using daemon = await startDaemon();
  const { token, lease, record } = await released(daemon);
  const folder = scratch();
  const evidence = join(folder, 'evidence.ndjson');
  const find = ['audit', 'find', '--secret-stdin', '--config', daemon.config, '--reason', 'leaked'];
  const runs: readonly (() => Promise<CommandResult>)[] = [
    () => command(daemon, 'audit', 'log', '--lease', lease, '--reason', 'SOX Q4'),
    () => command(daemon, 'audit', 'tail', '--count', '3'),
    () => command(daemon, 'audit', 'inventory', '--at', new Date().toISOString()),
    () => command(daemon, 'audit', 'prove', record, '--out', join(folder, 'p')),
    () => command(daemon, 'audit', 'export', '--format', 'ndjson', '--lease', lease, '--out', evidence),
    () => tallystick(find, { input: token }),
  ];
  const results: CommandResult[] = [];
  for (const run of runs) results.push(await run());
  expect(results.map(({ status, stderr }) => ({ status, told: !stderr.includes('not on record') }))).toEqual(
    runs.map(() => ({ status: 0, told: true })),
  );
  // Those above; and this test's own look, which is a read as well.
  await allPublished(daemon);
  const reads = (await listed(daemon, '--type', 'log.*')).map((each) => each.record);
  const told = reads.filter(({ type }) => type === 'log.read' || type === 'log.exported');
  const operator = { uid: process.getuid!(), tty: null };
  const of = (name: string) => told.filter(({ body }) => body.command === name).at(-1);
  expect(told.find(({ reason }) => reason === 'SOX Q4')).toMatchObject({
    body: { command: 'audit log', query: { lease }, returned: 1, source: 'leaves', operator },
  });
  expect(of('audit tail')).toMatchObject({ reason: 'none given', body: { returned: 3, query: {}, operator } });
  expect(of('audit inventory')).toMatchObject({ body: { returned: 1, query: { to: expect.any(String) as string } } });
  expect(of('audit prove')).toMatchObject({ refs: [{ rel: 'read', id: record }], body: { returned: 1 } });
  expect(of('audit find')).toMatchObject({
    reason: 'leaked',
    refs: [{ id: record }],
    body: { query: {}, returned: 1 },
  });
  const digest = createHash('sha256')
    .update(readFileSync(`${evidence}.manifest.json`))
    .digest('base64url');
  expect(told.find(({ type }) => type === 'log.exported')).toMatchObject({
    body: { format: 'ndjson', manifest: digest, rows: 1, query: { lease }, zone: 'UTC', operator },
  });
  // Where the sidecar is gone, the log is read nevertheless.
  expect(await daemon.kill('SIGTERM')).toBe(0);
  const after = await command(daemon, 'audit', 'log', '--lease', lease);
  expect(after).toMatchObject({
    status: 0,
    stdout: expect.stringContaining(lease) as string,
    stderr: expect.stringMatching(/^tallystick: this read is not on record: no sidecar answers on /) as string,
  });
  const verified = await command(daemon, 'audit', 'verify');
  expect(verified.stdout).toContain('integrity     holds');
}, 60_000);

const LINES = codeBlocks('sidecar/docs/audit.md', readText('sidecar/docs/audit.md'))
  .filter(({ language, flags }) => language === 'sh' && flags.includes('leaked'))
  .flatMap(({ code }) => code.trim().split('\n'));

describeWithServers(['python3', 'openssl'], 'a leaked secret, by what the page says', () => {
  test('is found on the machine, and from a copy of its log by the escrow key and by openssl alone', async () => {
    const cwd = scratch();
    const bin = `#!/bin/sh\nexec "${process.execPath}" ${TALLYSTICK.join(' ')} "$@"\n`;
    writeFileSync(join(cwd, 'tallystick'), bin, { mode: 0o700 });
    const said: string[] = [];
    const run = (line: string) => {
      const env = { ...ENVIRONMENT, PATH: `${cwd}:${process.env.PATH}`, TALLYSTICK_CONFIG: config };
      const { status, stdout, stderr } = spawnSync('sh', ['-c', line.replaceAll('/evidence/audit', copy)], {
        cwd,
        env,
        encoding: 'utf8',
      });
      said.push(stdout, stderr);
      return { status, stdout, stderr };
    };
    const copy = join(cwd, 'evidence');
    let config = '';
    const typed = (start: string) => LINES.filter((line) => line.startsWith(start));
    for (const line of [...typed('openssl genpkey'), ...typed('openssl pkey ')]) expect(run(line).status).toBe(0);
    const daemon = await startDaemon({ edit: (text) => `${text}audit: { escrow: ${cwd}/escrow.pub }\n` });
    let token: string;
    try {
      config = daemon.config;
      const made = await released(daemon);
      token = made.token;
      writeFileSync(join(cwd, 'leaked.txt'), `${token}\n`);
      const here = run(LINES[0]!);
      expect(here).toMatchObject({ status: 0, stdout: expect.stringContaining(SERVICE) as string });
      expect(here.stderr).toContain(`tallystick leases revoke ${made.lease}`);
      await daemon.kill('SIGTERM');
      cpSync(join(daemon.folder, 'state/audit'), copy, { recursive: true });
      writeFileSync(
        join(cwd, 'audit.policy'),
        `log ${readFileSync(join(copy, '1/1/vkey'), 'utf8').trim()}\nquorum none\n`,
      );
    } finally {
      // The machine is gone, with its keys.
      await daemon[Symbol.asyncDispose]();
    }
    config = '/nowhere';
    for (const line of LINES.slice(3, -1)) {
      const { status, stdout, stderr } = run(line);
      expect({ line, status, stderr }).toMatchObject({ line, status: 0 });
      if (line.startsWith('tallystick audit find')) expect(stdout).toContain(SERVICE);
    }
    writeFileSync(join(cwd, 'leaked.txt'), token);
    const digits = /[0-9a-f]{64}/.exec(run(LINES.at(-1)!).stdout)![0];
    expect(run(`cat evidence/1/1/tile/entries/000.p/* | grep -c '"fp":"hmac-sha256:[0-9a-f]*:${digits}"'`).status).toBe(
      0,
    );
    expect(said.join()).not.toContain(token.split('.')[2]);
  }, 60_000);
});
