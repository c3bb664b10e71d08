// Every example is a program that runs as it stands: the service and the plain OAuth client against both APIs.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AUDIENCE, ISSUER, SERVICE, startDaemon, type Daemon } from '../daemon/daemon.ts';
import { freePort } from '../servers/free-ports.ts';
import { ENVIRONMENT } from '../daemon/program.ts';

const FLAGS = ['--conditions=@tallystick/source', '--disable-warning=ExperimentalWarning'];
const main = (example: string): string =>
  fileURLToPath(new URL(`../../examples/${example}/src/main.ts`, import.meta.url));

/** Runs an example to its end, or until `done` is true of a line; returns the JSON lines it printed. */
async function run(
  example: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Record<string, unknown>[]> {
  const child = spawn(process.execPath, [...FLAGS, main(example), ...args], {
    env: { ...ENVIRONMENT, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const lines: Record<string, unknown>[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line) as never));
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  return lines;
}

describe.each(['ledger-api', 'express-api'])('%s', (example) => {
  let daemon: Daemon;
  let ledger: string;
  let stopApi: () => Promise<unknown>;

  beforeAll(async () => {
    const port = await freePort();
    ledger = `http://127.0.0.1:${port}`;
    daemon = await startDaemon({ use: `${ledger}/` });
    const issuerFile = join(daemon.folder, 'issuer.json');
    const subjects = ['spiffe://acme.example/payments/'];
    writeFileSync(issuerFile, JSON.stringify({ issuer: ISSUER, jwks: `${daemon.publicUrl}/jwks`, subjects }));
    const api = spawn(
      process.execPath,
      [...FLAGS, main(example), '--port', String(port), '--issuer', issuerFile, '--audience', AUDIENCE],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const ended = new Promise((resolve) => api.once('close', resolve));
    stopApi = () => {
      api.kill('SIGTERM');
      return ended;
    };
    await Promise.race([
      new Promise((resolve) => createInterface({ input: api.stdout }).once('line', resolve)),
      ended.then((code) => Promise.reject(new Error(`${example} ended with ${String(code)}`))),
    ]);
  });
  afterAll(async () => {
    await stopApi?.();
    await daemon?.[Symbol.asyncDispose]();
  });

  test('close-batch posts its entries with a token only it can use', async () => {
    const lines = await run('close-batch', ['--ledger', ledger, '--entries', '2'], {
      TALLYSTICK_SOCKET: `unix://${daemon.socket}`,
    });
    expect(lines[0]).toMatchObject({ event: 'connected', id: SERVICE, owner: 'team-payments' });
    expect(lines.slice(1)).toMatchObject([
      { event: 'posted', status: 200, answer: { accepted: true, by: SERVICE } },
      { event: 'posted', status: 200, answer: { accepted: true, by: SERVICE } },
    ]);
  });

  test('plain-oauth-client does the same without Tallystick code', async () => {
    const args = ['--socket', daemon.socket, '--issuer', ISSUER, '--resource', AUDIENCE, '--url', `${ledger}/journal`];
    expect(await run('plain-oauth-client', args, {})).toMatchObject([
      { status: 200, answer: { accepted: true, by: SERVICE } },
    ]);
  });

  test('a request without a token is answered with a challenge and no reason', async () => {
    const response = await fetch(`${ledger}/journal`, { method: 'POST' });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(/^DPoP /);
    expect(response.headers.get('www-authenticate')).not.toContain('error=');
  });
});
