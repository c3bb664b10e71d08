import { chmodSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createAdminServer } from '../../src/listen/admin-server.ts';
import { isRoot, startProcess } from './other-process.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { ask } from './unix-client.ts';

async function serve(): Promise<{ path: string; handled: string[]; refused: unknown[] }> {
  const path = join(temporaryFolder(), 'admin', 'admin.sock');
  const handled: string[] = [];
  const refused: unknown[] = [];
  const server = createAdminServer({
    path,
    handler(request, response, peer) {
      handled.push(`${peer.socket} ${request.url}`);
      response.end('ok');
    },
    refused: (reason, peer) => refused.push([reason, peer?.uid]),
    failed: () => {},
  });
  await server.start();
  onTestFinished(() => server.stop(0));
  return { path, handled, refused };
}

test('the socket and its folder are for their owner alone', async () => {
  const { path, handled } = await serve();
  expect((lstatSync(path).mode & 0o777).toString(8)).toBe('600');
  expect((lstatSync(join(path, '..')).mode & 0o777).toString(8)).toBe('700');
  expect((await ask(path, { target: '/v1/status?all=1' })).body).toBe('ok');
  expect(handled).toEqual(['admin /v1/status?all=1']);
});

test.runIf(isRoot)('another user does not reach it', async () => {
  const { path } = await serve();
  const other = startProcess(`net.connect(args[0], () => say('in')).on('error', (error) => say(error.code))`, {
    uid: 1001,
    args: [path],
  });
  expect(await other.hear()).toBe('EACCES');
  await other.kill();
});

test.runIf(isRoot)('another user who does is refused by the kernel’s word', async () => {
  const { path, handled, refused } = await serve();
  chmodSync(join(path, '..'), 0o755);
  chmodSync(path, 0o666);
  const other = startProcess(
    `require('node:http').get({ socketPath: args[0], path: '/' }, (answer) => answer.on('data', (data) => say(answer.statusCode + ' ' + data)));`,
    { uid: 1001, args: [path] },
  );
  expect(await other.hear()).toMatch(/^403 .*"code":"admin_refused"/);
  await other.ended;
  expect([handled, refused]).toEqual([[], [['admin_refused', 1001]]]);
});

test('a browser or a proxy in between is refused', async () => {
  const { path, handled } = await serve();
  expect((await ask(path, { headers: { origin: 'http://localhost' } })).status).toBe(403);
  expect((await ask(path, { headers: { host: 'tallystick.acme.example' } })).status).toBe(403);
  expect(handled).toEqual([]);
});
