// What the page about verifying the record tells people to do with tools that are not ours, and to its folders.
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { vkeyAt, WrittenLogs } from '../../sidecar/test/cli/audit/written-logs.ts';
import { startDaemon, TALLYSTICK, type Daemon } from '../daemon/daemon.ts';
import { allPublished } from '../daemon/published.ts';
import { socketClient } from '../daemon/socket-client.ts';
import { codeBlocks } from '../rules/markdown.ts';
import { readText, ROOT } from '../rules/repository.ts';
import { describeWithServers, requireServer } from '../servers/require-server.ts';

const PAGE = 'sidecar/docs/audit.md';

/** Returns the one block of the page with this flag. */
function block(flag: string): string {
  const found = codeBlocks(PAGE, readText(PAGE)).filter(({ flags }) => flags.includes(flag));
  expect(found, `blocks of ${flag}`).toHaveLength(1);
  return found[0]!.code;
}

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-page-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

interface Answer {
  readonly code: number;
  readonly output: string;
}

function run(file: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    execFile(file, args, { cwd, env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      const code = error ? error.code : 0;
      if (typeof code === 'number') resolve({ code, output: stdout + stderr });
      else reject(error!);
    });
  });
}

const shell = (script: string, cwd: string, env?: NodeJS.ProcessEnv): Promise<Answer> =>
  run('sh', ['-ec', script], cwd, env);

/** Verifies logs, with the keys that the operator has told, and with a head that was kept before. */
function verified(dir: string, vkeys: string, kept: string): Promise<Answer> {
  const file = join(scratch(), 'vkeys');
  writeFileSync(file, vkeys);
  const visit = ['--consistency', kept, '--seen', new Date(Date.now() - 1000).toISOString()];
  return run(process.execPath, [...TALLYSTICK, 'audit', 'verify', '--dir', dir, '--vkey', file, ...visit], dir);
}

const vkeyOf = (audit: string, log = '1/1'): string => readFileSync(join(audit, log, 'vkey'), 'utf8');
const token = async (daemon: Daemon): Promise<void> => {
  expect((await (await socketClient(daemon.socket)).token()).status).toBe(200);
};

/** Keeps the newest head of a log, as an auditor does. */
function keptHead(audit: string, log = '1/1'): string {
  const kept = join(scratch(), 'kept.checkpoint');
  cpSync(join(audit, log, 'checkpoint'), kept);
  return kept;
}

describeWithServers(['openssl'], 'the page about verifying, with openssl alone', () => {
  test('its lines verify the signature of a head, also a cosigned one, and refuse a changed one', async () => {
    const logs = await WrittenLogs.plausible();
    const cwd = scratch();
    const head = logs.read('1/1/checkpoint').toString();
    const judge = (checkpoint: string): Promise<Answer> => {
      writeFileSync(join(cwd, 'kept.checkpoint'), checkpoint);
      return shell(block('openssl'), cwd, { VKEY: vkeyAt({ incarnation: 1, shard: 1 }) });
    };
    expect(await judge(head)).toMatchObject({ code: 0, output: 'Signature Verified Successfully\n' });
    const cosigned = `${head}— witness.acme.example ${Buffer.alloc(76).toString('base64')}\n`;
    expect(await judge(cosigned)).toMatchObject({ code: 0 });
    expect(await judge(head.replace(/\n\d+\n/, `\n${logs.size + 1}\n`))).toMatchObject({ code: 1 });
  });
});

describeWithServers(['go'], 'the page about verifying, with Go', () => {
  test('its line verifies a log, from the head that was kept', async () => {
    requireServer('go');
    const logs = await WrittenLogs.plausible();
    const cwd = scratch();
    cpSync(join(ROOT, 'packages/audit/verify/go'), join(cwd, 'go'), { recursive: true });
    writeFileSync(join(cwd, 'kept.checkpoint'), logs.read('1/1/checkpoint'));
    writeFileSync(join(cwd, 'audit.policy'), `log ${vkeyAt({ incarnation: 1, shard: 1 })}\nquorum none\n`);
    const env = { CGO_ENABLED: '0', GOTOOLCHAIN: 'local' };
    const judged = await shell(block('go').replace('/evidence/audit', logs.dir), cwd, env);
    expect(judged).toMatchObject({ code: 0, output: expect.stringContaining(`${logs.size} records`) as string });
  }, 120_000);
});

test('a copy for a legal hold, taken while the log grows, has a sum and is verified', { timeout: 60_000 }, async () => {
  await using daemon = await startDaemon();
  const audit = join(daemon.folder, 'state/audit');
  await token(daemon);
  await allPublished(daemon);
  const kept = keptHead(audit);
  const hold = scratch();
  const script = block('hold').replaceAll('/var/lib/tallystick/audit', audit).replaceAll('/hold', hold);
  const [copied] = await Promise.all([shell(script, hold), ...Array.from({ length: 20 }, () => token(daemon))]);
  expect(copied).toMatchObject({ code: 0, output: expect.stringMatching(/^[0-9a-f]{64} /) as string });

  const unpacked = join(hold, 'unpacked');
  mkdirSync(unpacked);
  execFileSync('tar', ['-xf', join(hold, 'audit.tar'), '-C', unpacked]);
  expect(await verified(unpacked, vkeyOf(audit), kept)).toMatchObject({ code: 0 });
  expect(execFileSync('tar', ['-tf', join(hold, 'audit.tar')], { encoding: 'utf8' })).not.toContain('journal');
});

test('a log that is moved as the page says goes on under its name and key', { timeout: 60_000 }, async () => {
  const [before, after] = [scratch(), scratch()];
  const inLib = (config: string): string => config.replace('/state\n', '/lib/tallystick\n');
  await using daemon = await startDaemon({ folder: before, edit: inLib });
  await token(daemon);
  expect(await daemon.kill('SIGTERM')).toBe(0);
  const audit = join(before, 'lib/tallystick/audit');
  const kept = keptHead(audit);

  const [pack, unpack] = block('move').split('\n');
  const cwd = scratch();
  mkdirSync(join(after, 'lib'));
  expect(await shell(pack!.replace('/var/lib', join(before, 'lib')), cwd)).toMatchObject({ code: 0 });
  expect(await shell(unpack!.replace('/var/lib', join(after, 'lib')), cwd)).toMatchObject({ code: 0 });
  await using moved = await startDaemon({ folder: after, edit: inLib });
  expect((await moved.logged('serving')).record).toBe((await daemon.logged('serving')).record);
  await token(moved);
  expect(await moved.kill('SIGTERM')).toBe(0);
  const there = join(after, 'lib/tallystick/audit');
  expect(await verified(there, vkeyOf(audit), kept)).toMatchObject({ code: 0 });
});

test(
  'after a key may be known the record goes on in a new incarnation, with a new key',
  { timeout: 60_000 },
  async () => {
    await using daemon = await startDaemon();
    await token(daemon);
    expect(await daemon.kill('SIGTERM')).toBe(0);
    const reason = /--new-incarnation '(.+)'$/.exec(block('incarnation'))![1]!;
    const next = await daemon.again({ args: ['--new-incarnation', reason] });
    expect(await next.kill('SIGTERM')).toBe(0);
    // From then on without the option.
    const last = await daemon.again();
    await token(last);
    expect(await last.kill('SIGTERM')).toBe(0);

    const audit = join(daemon.folder, 'state/audit');
    const [old, young] = [vkeyOf(audit), vkeyOf(audit, '2/1')];
    expect(young.split('+').at(-1)).not.toBe(old.split('+').at(-1));
    const kept = keptHead(audit, '2/1');
    expect(await verified(audit, old + young, kept)).toMatchObject({ code: 0 });
    expect(await verified(audit, young, kept)).toMatchObject({ code: 1 });
  },
);
