import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openApi, proofOf, refusalOf, requestWith } from './api.ts';
import { answerWith, serveDocuments } from './document-server.ts';
import { createIssuer, ISSUER, SUBJECT } from './issuer.ts';

const CANARY = 'canary-token';
const issuer = await createIssuer();

/** Listens on a socket and answers every request with `text`, which need not be HTTP. */
async function answering(text: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'rs-'));
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
  return `unix:${path}`;
}

describe('a socket that others could have put there', () => {
  test.each(['jwks', 'introspection', 'revocations'] as const)('is not asked about %s', async (option) => {
    await using server = await serveDocuments(answerWith({ keys: [], active: true }), 'unix');
    const folder = dirname(server.url.slice('unix:'.length));
    chmodSync(folder, 0o770);
    const own = { issuer: ISSUER, jwks: issuer.jwks, subjects: [SUBJECT], [option]: server.url };
    const api = await openApi({ issuers: [own] });
    const token = await issuer.token(api.key.jkt);
    const refusal = await refusalOf(api.verifier, requestWith(token, proofOf(api.key, token)));
    expect(refusal.status).toBe(503);
    expect(refusal.cause).toMatchObject({
      code: 'socket_untrusted',
      message: expect.stringContaining(
        `the group of ${folder} can write to it; let the sidecar own its socket`,
      ) as string,
    });
    expect(server.requests).toEqual([]);
  });
});

const MALFORMED = [
  `${CANARY}\r\n\r\n`,
  `HTTP/1.1 200 OK\r\n${CANARY}\r\n\r\n`,
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${CANARY}\r\n`,
  `HTTP/1.1 200 OK\r\nContent-Length: ${CANARY.length}\r\n\r\n${CANARY}`,
];

test.each(
  MALFORMED.flatMap((text) => (['jwks', 'introspection', 'revocations'] as const).map((option) => [option, text])),
)('no refusal shows the bytes of an answer about %s that cannot be read: %j', async (option, text) => {
  const own = { issuer: ISSUER, jwks: issuer.jwks, subjects: [SUBJECT], [option!]: await answering(text!) };
  const api = await openApi({ issuers: [own] });
  const token = await issuer.token(api.key.jkt);
  const refusal = await refusalOf(api.verifier, requestWith(token, proofOf(api.key, token)));
  expect(refusal.status).toBe(503);
  expect(refusal.cause).toBeDefined();
  const shown = inspect(refusal, { depth: Infinity, showHidden: true, maxArrayLength: null }).replaceAll(/\s/g, '');
  for (const encoding of ['utf8', 'base64', 'hex'] as const) {
    expect(shown).not.toContain(Buffer.from(CANARY).toString(encoding));
  }
});
