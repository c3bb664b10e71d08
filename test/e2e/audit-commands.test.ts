// What the page for auditors tells them to type, as it stands there: only folders, times and keys are those of the test.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  formatNote,
  logFolder,
  parseNote,
  parseTlogPolicy,
  submitCheckpoint,
  tileHashReader,
  formatTilePath,
} from '@tallystick/audit';
import { systemClock, systemTimers } from '@tallystick/core';
import { CLOSE, vkeyAt, WrittenLogs } from '../../sidecar/test/cli/audit/written-logs.ts';
import { startDaemon, TALLYSTICK } from '../daemon/daemon.ts';
import { allPublished } from '../daemon/published.ts';
import { socketClient } from '../daemon/socket-client.ts';
import { startProgram, type Program } from '../daemon/program.ts';
import { codeBlocks } from '../rules/markdown.ts';
import { readText, ROOT } from '../rules/repository.ts';
import { describeWithServers, requireServer } from '../servers/require-server.ts';

const PAGE = 'sidecar/docs/audit.md';
const VKEY = vkeyAt({ incarnation: 1, shard: 1 });
const COMMANDS = codeBlocks(PAGE, readText(PAGE))
  .filter(({ language, flags }) => language === 'sh' && flags.length === 0)
  .flatMap(({ code }) => code.trim().split('\n'));
/** The one that an auditor types first. */
const VERIFY = COMMANDS.find((line) => line.startsWith('tallystick audit verify '))!;

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-auditor-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function started(args: readonly string[], cwd: string): Program {
  const program = startProgram({ command: [process.execPath, ...TALLYSTICK, ...args], cwd });
  onTestFinished(() => program[Symbol.asyncDispose]());
  return program;
}

/** Where an auditor types, with the command and the key at hand; returns what runs a line there. */
function auditor(dir: string, policy: string): (line: string) => { code: number | null; output: string } {
  const cwd = scratch();
  const command = ['#!/bin/sh', `exec "${process.execPath}" ${TALLYSTICK.join(' ')} "$@"`, ''].join('\n');
  writeFileSync(join(cwd, 'tallystick'), command);
  chmodSync(join(cwd, 'tallystick'), 0o700);
  copyFileSync(join(ROOT, 'packages/audit/verify/verify.py'), join(cwd, 'verify.py'));
  writeFileSync(join(cwd, 'audit.policy'), policy);
  const seen = new Date(Date.now() - 60_000).toISOString();
  return (line) => {
    const typed = line.replaceAll('/evidence/audit', dir).replace(/--seen \S+/, `--seen ${seen}`);
    const env = { PATH: `${cwd}:${process.env.PATH}`, VKEY, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE };
    const { status, stdout, stderr } = spawnSync('sh', ['-c', typed], { cwd, env, encoding: 'utf8' });
    return { code: status, output: stdout + stderr };
  };
}

test('what the page tells an auditor to type works, and says what the page says', async () => {
  const logs = await WrittenLogs.plausible();
  const run = auditor(logs.dir, `log ${VKEY}\nquorum none\n`);
  const lines = COMMANDS.filter((line) => !/^(?:tallystick witness|python3) /.test(line));
  expect(lines).toHaveLength(9);
  for (const line of lines) {
    const { code, output } = run(line);
    // Without a head from outside, completeness is not shown.
    const first = line === VERIFY;
    expect({ line, code, output }).toMatchObject({ line, code: first ? 3 : 0 });
    if (first) expect(output).toContain('completeness  not shown');
  }
  const { path, at } = logs.bundle('"entitled"');
  logs.flip(path, at);
  expect(run(VERIFY)).toMatchObject({ code: 1, output: expect.stringContaining(`${path} record 4: `) as string });
}, 60_000);

describeWithServers(['python3', 'openssl'], 'the page for auditors, without our software', () => {
  test('what it tells to type works on the log, and on a proof by our command', async () => {
    requireServer('python3');
    const logs = await WrittenLogs.plausible();
    const run = auditor(logs.dir, `log ${VKEY}\nquorum none\n`);
    run('cp /evidence/audit/1/1/checkpoint kept.checkpoint');
    const python = COMMANDS.find((line) => line.startsWith('python3 '))!;
    expect(run(python)).toMatchObject({
      code: 0,
      output: expect.stringContaining(`holds: ${logs.size} records`) as string,
    });
    run('tallystick audit prove 4 --dir /evidence/audit --policy audit.policy --out release.tlog-proof');
    const proven = run('python3 verify.py --proof release.tlog-proof release.json "$VKEY"');
    expect(proven).toMatchObject({ code: 0, output: expect.stringContaining('this is record 4') as string });
  });
});

test('the log of a running sidecar is verified beside it, by its configuration, and a lease found in it', async () => {
  await using daemon = await startDaemon();
  const lease = String((await (await socketClient(daemon.socket)).token()).json().lease_id);
  const run = auditor('', '');
  await allPublished(daemon);
  const found = run(`tallystick audit log --config ${daemon.config} --lease ${lease} --json`);
  expect(found).toMatchObject({ code: 0, output: expect.stringContaining('"selected": 1') as string });
  expect(found.output).toContain('"type": "credential.released"');
  const { code, output } = run(`tallystick audit verify --config ${daemon.config}`);
  expect({ code, output }).toMatchObject({ code: 3, output: expect.stringContaining('integrity     holds') as string });
  expect(await daemon.kill('SIGTERM')).toBe(0);
}, 60_000);

test('a witness that is started as the page says cosigns a log, and its cosignature shows completeness', async () => {
  const logs = await WrittenLogs.plausible();
  const cwd = scratch();
  const line = COMMANDS.find((each) => each.startsWith('tallystick witness '))!;
  const args = line.replace('"$VKEY"', VKEY).replace(':8482', ':0').split(' ').slice(1);
  const program = started(args, cwd);
  const { vkey, port, witness } = (await program.line((each) => 'vkey' in each)) as Record<string, string>;
  expect(witness).toBe('witness.acme.example');

  const policy = `log ${VKEY}\nwitness security ${vkey} http://127.0.0.1:${port}\nquorum security\n`;
  const read = logFolder(join(logs.dir, '1/1'));
  const checkpoint = logs.read('1/1/checkpoint');
  const known = parseTlogPolicy(Buffer.from(policy)).witnesses[0]!;
  const asked = {
    witness: { ...known, url: known.url! },
    checkpoint,
    readHashes: tileHashReader(logs.size, async (tile) => read(formatTilePath(tile))!),
    oldSize: 0,
    fetch: globalThis.fetch,
    clock: systemClock,
    timers: systemTimers,
    timeoutMs: 10_000,
  };
  const { signature } = await submitCheckpoint(asked);
  const note = parseNote(checkpoint);
  writeFileSync(
    join(logs.dir, '1/1/checkpoint'),
    formatNote({ text: note.text, signatures: [...note.signatures, signature] }),
  );
  const run = auditor(logs.dir, policy);
  const verified = run(VERIFY);
  expect(verified).toMatchObject({ code: 0, output: expect.stringContaining('completeness  holds') as string });
  const prove = COMMANDS.find((each) => each.startsWith('tallystick audit prove'))!;
  expect(run(prove).output).toContain('under a witnessed head');
  expect(run(COMMANDS.find((each) => each.startsWith('tallystick audit verify-proof'))!).output).toContain(
    'seen by security at',
  );
  expect(await program.kill('SIGTERM')).toBe(0);

  // It goes on with the key and the state that it has, and is itself no more without them.
  const again = started(
    args.filter((each, i) => each !== '--name' && args[i - 1] !== '--name'),
    cwd,
  );
  expect(await again.line((each) => 'vkey' in each)).toMatchObject({ vkey });
  expect(await again.kill('SIGINT')).toBe(0);
  expect(readFileSync(join(cwd, 'witness.key'), 'utf8')).toMatch(/^PRIVATE\+KEY\+witness\.acme\.example\+/);
}, 60_000);

test('the tail of a live log goes on with what is published, and ends with an interrupt', async () => {
  const logs = await WrittenLogs.plausible();
  const tail = started(
    ['audit', 'tail', '--dir', logs.dir, '--vkey', VKEY, '--count', '1', '--follow', '--json'],
    scratch(),
  );
  expect(await tail.line(() => true)).toMatchObject({ index: logs.size - 1 });
  const { id } = await logs.release(CLOSE, 'run-9');
  await logs.publish();
  expect(await tail.line(() => true, 1)).toMatchObject({ record: { id } });
  expect(await tail.kill('SIGINT')).toBe(0);
}, 30_000);
