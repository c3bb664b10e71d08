// The path of a socket: too long, taken, left behind, where others can write, and squatted.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { connect } from '@tallystick/sdk';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startDaemon, type DaemonOptions } from '../daemon/daemon.ts';
import { startProgram } from '../daemon/program.ts';
import { canRunAs } from '../daemon/run-as.ts';
import { overSocket, socketClient } from '../daemon/socket-client.ts';

const SOCKET = 'run/app/api.sock';
const NOBODY = 65_534;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tallystick-sockets-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Returns what `tallystick run` says when it does not start. */
async function refusal(options: DaemonOptions = {}): Promise<string> {
  await using daemon = await startDaemon({ folder, noWait: true, ...options });
  expect(await daemon.ended).toBe(1);
  expect(daemon.log.some(({ message }) => message === 'serving')).toBe(false);
  return daemon.output();
}

test('one that is too long is refused with the number of bytes it may have', async () => {
  const output = await refusal({ edit: (config) => config.replace(SOCKET, `run/app/${'a'.repeat(100)}.sock`) });
  expect(output).toContain('107 bytes');
});

test('one that a live sidecar serves is refused, and that one serves on', async () => {
  await using live = await startDaemon();
  const output = await refusal({ edit: (config) => config.replace(`${folder}/${SOCKET}`, live.socket) });
  expect(output).toContain('stop the sidecar that serves this socket');
  expect((await (await socketClient(live.socket)).token()).status).toBe(200);
});

test('one that a dead sidecar left is bound anew', async () => {
  await using first = await startDaemon();
  await first.kill('SIGKILL');
  expect(existsSync(first.socket)).toBe(true);
  await using second = await first.again();
  expect((await (await socketClient(second.socket)).token()).status).toBe(200);
});

test('one that another program serves is refused, and that one serves on', async () => {
  const path = join(folder, SOCKET);
  mkdirSync(dirname(path), { recursive: true });
  const other = createServer((_, response) => response.writeHead(204, { connection: 'close' }).end());
  await new Promise<void>((resolve) => other.listen(path, resolve));
  expect(await refusal()).toContain('give this one another path');
  expect((await overSocket(path, 'GET', '/')).status).toBe(204);
  await new Promise((resolve) => other.close(resolve));
});

test('one that is a file is refused, and the file is kept', async () => {
  const path = join(folder, SOCKET);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, 'kept');
  expect(await refusal()).toContain(path);
  expect(readFileSync(path, 'utf8')).toBe('kept');
});

test('one in a folder that others can write is refused with the remedy', async () => {
  const app = join(folder, dirname(SOCKET));
  mkdirSync(app, { recursive: true });
  chmodSync(app, 0o777);
  const output = await refusal();
  expect(output).toContain('others can replace the socket');
  expect(output).toContain('take away the write permission');
});

test.skipIf(!canRunAs(NOBODY))('one that another user squats is not spoken to', async () => {
  const open = join(folder, 'open');
  mkdirSync(open);
  chmodSync(folder, 0o755);
  chmodSync(open, 0o1777);
  const path = join(open, 'api.sock');
  const program = `
    const { createServer } = require('node:net');
    const tell = (event) => console.log(JSON.stringify({ event }));
    createServer(() => tell('connected')).listen(process.argv[1], () => tell('listening'));`;
  await using squatter = startProgram({
    command: [process.execPath, '--eval', program, path],
    cwd: open,
    uid: NOBODY,
  });
  await squatter.line(({ event }) => event === 'listening');
  await expect(connect({ socket: path })).rejects.toMatchObject({ code: 'socket_untrusted' });
  await squatter.kill('SIGTERM');
  expect(squatter.lines).toEqual([{ event: 'listening' }]);
});
