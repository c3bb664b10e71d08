import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { generateHolderKey } from '@tallystick/dpop';
import { expect, onTestFinished, test } from 'vitest';
import { systemRuntime } from '../src/runtime.ts';
import { SidecarClient } from '../src/sidecar-client.ts';

const CANARY = 'canary-token';

/** Listens on a socket and answers every request with `text`, which need not be HTTP. */
async function answering(text: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'malformed-'));
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(text));
  });
  const path = join(folder, 'api.sock');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  return path;
}

async function failureOf(text: string): Promise<unknown> {
  const runtime = { ...systemRuntime(), pause: async () => {} };
  const client = new SidecarClient(runtime, await answering(text), await generateHolderKey(), undefined);
  onTestFinished(() => client.close());
  return client.identity().catch((error: unknown) => error);
}

test.each([
  ['is not HTTP', `${CANARY}\r\n\r\n`],
  ['has a broken header', `HTTP/1.1 200 OK\r\n${CANARY}\r\n\r\n`],
  ['has a broken length', `HTTP/1.1 200 OK\r\nContent-Length: ${CANARY}\r\n\r\n`],
  ['has a broken chunk', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${CANARY}\r\n`],
  ['ends too early', `HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n${CANARY}`],
  ['is not JSON', `HTTP/1.1 200 OK\r\nContent-Length: ${CANARY.length}\r\n\r\n${CANARY}`],
])('no error shows the bytes of an answer that %s', async (_, text) => {
  const error = await failureOf(text);
  expect(error).toMatchObject({ code: expect.stringMatching(/^(sidecar_unavailable|protocol_error)$/) as string });
  const shown = inspect(error, { depth: Infinity, showHidden: true, maxArrayLength: null });
  for (const encoding of ['utf8', 'base64', 'hex'] as const) {
    expect(shown.replaceAll(/\s/g, '')).not.toContain(Buffer.from(CANARY).toString(encoding));
  }
});
