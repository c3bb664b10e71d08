// What the sidecar writes its log to.
import { expect, test } from 'vitest';
import { startDaemon } from '../daemon/daemon.ts';
import { socketClient } from '../daemon/socket-client.ts';

test('a log that nobody reads any more ends neither the sidecar nor its stop in order', async () => {
  await using daemon = await startDaemon();
  const client = await socketClient(daemon.socket);
  daemon.stopReading();
  process.kill(daemon.pid, 'SIGHUP');
  expect((await client.token()).status).toBe(200);
  expect(await daemon.kill('SIGTERM')).toBe(0);
});
