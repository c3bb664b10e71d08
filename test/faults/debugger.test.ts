import { expect, test } from 'vitest';
import { startDaemon } from '../daemon/daemon.ts';
import { socketClient } from '../daemon/socket-client.ts';

test('SIGUSR1 does not open the debugger of Node, by which any user could read the keys', async () => {
  await using daemon = await startDaemon();
  process.kill(daemon.pid, 'SIGUSR1');
  expect((await (await socketClient(daemon.socket)).token()).status).toBe(200);
  expect(await daemon.kill('SIGTERM')).toBe(0);
  expect(daemon.output()).not.toMatch(/debugger/i);
});
