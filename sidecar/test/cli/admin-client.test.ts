import { createServer } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { createAdminClient } from '../../src/cli/admin-client.ts';
import { temporaryFolder } from '../listen/temporary-folder.ts';

const CANARY = 'canary-token';

test.each([
  ['is not HTTP', `${CANARY}\r\n\r\n`],
  ['has a broken header', `HTTP/1.1 200 OK\r\n${CANARY}\r\n\r\n`],
  ['is not JSON', `HTTP/1.1 200 OK\r\nContent-Length: ${CANARY.length}\r\n\r\n${CANARY}`],
])('no error shows the bytes of an answer that %s', async (_, text) => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(text));
  });
  const path = join(temporaryFolder(), 'admin.sock');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => void server.close());
  const error = await createAdminClient(path)
    .get('/v1/status')
    .catch((failure: unknown) => failure);
  expect(error).toMatchObject({ code: expect.stringMatching(/^(sidecar_unavailable|protocol_error)$/) as string });
  const shown = inspect(error, { depth: Infinity, showHidden: true, maxArrayLength: null }).replaceAll(/\s/g, '');
  for (const encoding of ['utf8', 'base64', 'hex'] as const) {
    expect(shown).not.toContain(Buffer.from(CANARY).toString(encoding));
  }
});
