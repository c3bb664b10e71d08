import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { tryLock } from '../../src/listen/lock.ts';
import { vkeyAt } from './audit/written-logs.ts';
import { runCli } from './run-cli.ts';

const VKEY = vkeyAt({ incarnation: 1, shard: 1 });

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-witness-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A port that is taken: a witness that gets as far as to listen ends there. */
async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as { port: number }).port;
}

async function witness(folder: string, ...more: string[]) {
  const listen = `http://127.0.0.1:${await takenPort()}`;
  const given = ['--listen', listen, '--state', join(folder, 'state'), '--key', join(folder, 'key'), '--log', VKEY];
  return runCli(['witness', ...given, ...more]);
}

test('a key is made once, for its owner alone, and only where a name is given', async () => {
  const folder = scratch();
  const none = await witness(folder);
  expect(none).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('key" is not there\n  give --name NAME') as string,
  });
  expect((await witness(folder, '--name', 'w.example')).stderr).toContain('cannot be listened on');
  const key = readFileSync(join(folder, 'key'), 'utf8');
  expect(key).toMatch(/^PRIVATE\+KEY\+w\.example\+/);
  expect(statSync(join(folder, 'key')).mode & 0o777).toBe(0o600);
  expect((await witness(folder)).stderr).toContain('cannot be listened on');
  expect((await witness(folder, '--name', 'other.example')).stderr).toContain(
    'is the key of a witness of another name',
  );
  expect(readFileSync(join(folder, 'key'), 'utf8')).toBe(key);
});

test('a key that others may use, or that is none, is refused without a word of it', async () => {
  const folder = scratch();
  await witness(folder, '--name', 'w.example');
  chmodSync(join(folder, 'key'), 0o640);
  const open = await witness(folder);
  expect(open).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('may be used by others\n  run "chmod 600') as string,
  });
  writeFileSync(join(folder, 'key'), 'PRIVATE+KEY+w.example+00000000+c2VjcmV0\n', { mode: 0o600 });
  chmodSync(join(folder, 'key'), 0o600);
  const { stderr } = await witness(folder);
  expect(stderr).toContain('holds no key of a witness');
  expect(stderr).not.toContain('c2VjcmV0');
});

test('a state that another process has open is left to it', async () => {
  const folder = scratch();
  await witness(folder, '--name', 'w.example');
  const held = tryLock(join(folder, 'state', 'lock'))!;
  expect((await witness(folder)).stderr).toContain('another process keeps the state of a witness');
  held.release();
  expect((await witness(folder)).stderr).toContain('cannot be listened on');
});

test.each([
  [[], 'a witness needs --listen, --state, --key and --log'],
  [['--listen', 'https://0.0.0.0:1'], '--listen is a URL as http://127.0.0.1:8482'],
  [['--listen', '127.0.0.1:1'], '--listen is a URL as'],
  [['--listen', 'http://127.0.0.1'], '--listen is a URL as'],
])('%j is a mistake in the command line', async (argv, message) => {
  const rest = argv.length === 0 ? [] : ['--state', 's', '--key', 'k', '--log', VKEY];
  const { code, stderr } = await runCli(['witness', ...argv, ...rest]);
  expect({ code, explained: stderr.includes(message) }).toEqual({ code: 2, explained: true });
});
