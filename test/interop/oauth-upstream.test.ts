// A certified OpenID provider, unmodified, that wants a nonce in each proof: the sidecar gets tokens of it which are bound
// to a key of the service, `identity.fetch` sends them, and our resource server accepts them.
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, type Identity } from '@tallystick/sdk';
import { decodeJwt, type JWK } from 'jose';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { command } from '../daemon/command.ts';
import { AUDIENCE, oneService, SERVICE, startDaemon, type Daemon } from '../daemon/daemon.ts';
import { filesIn } from '../daemon/files-in.ts';
import { startLedger, type Ledger } from '../daemon/ledger.ts';
import { readRecords } from '../faults/record-files.ts';
import { nonceProvider } from './nonce-provider.ts';

const SECRET = 'canary-client-secret +&=%';
let server: Server;
let issuer: string;
let daemon: Daemon;
let ledger: Ledger;
let identity: Identity;
/** Access tokens that the provider has given. */
const tokens: string[] = [];
/** What it answered each request for a token: "400 use_dpop_nonce". */
const answers: string[] = [];

beforeAll(async () => {
  server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  ledger = await startLedger();
  ledger.trust({ issuer, jwks: `${issuer}/jwks`, subjects: ['close-batch', 'by-secret'] });
  daemon = await startDaemon({
    registry: oneService('https://unused.acme.example/', '15m')
      .replace('[ledger-api]', '[ledger-api, erp-api, secret-api, payroll-api]')
      .concat(
        `  erp-api: { provider: sso, audience: ${AUDIENCE}, scope: journal.write, use: [${ledger.url}] }\n`,
        `  secret-api: { provider: sso-by-secret, audience: ${AUDIENCE}, scope: journal.write }\n`,
        `  payroll-api: { provider: sso, audience: https://payroll.acme.example, scope: journal.write }\n`,
        'providers:\n',
        `  sso: { type: oauth, issuer: '${issuer}', client: { id: close-batch } }\n`,
        `  sso-by-secret: { type: oauth, issuer: '${issuer}', client: { id: by-secret, authentication: client_secret_basic, secretFile: FOLDER/secret } }\n`,
      ),
    edit: (config) => config.replace('FOLDER', /^state: (.+)\/state$/m.exec(config)![1]!),
  });
  writeFileSync(join(daemon.folder, 'secret'), `${SECRET}\n`, { mode: 0o600 });
  const published = await command(daemon, 'issuer', 'publish', '--dir', join(daemon.folder, 'www'));
  expect(published).toMatchObject({ status: 0 });
  const { keys } = JSON.parse(readFileSync(join(daemon.folder, 'www/client-jwks.json'), 'utf8')) as { keys: JWK[] };
  serveProvider(keys);
  identity = await connect({ socket: daemon.socket, authorizationServers: [`${issuer}/token`] });
}, 60_000);

afterAll(async () => {
  await identity?.close();
  await daemon?.[Symbol.asyncDispose]();
  await ledger?.[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
});

/** @param keys The public keys by which the sidecar proves which client it is. */
function serveProvider(keys: JWK[]): void {
  const provider = nonceProvider({ issuer, keys, secret: SECRET, audience: AUDIENCE });
  provider.use(async (context, next) => {
    await next();
    const { access_token: token, error } = (context.body ?? {}) as { access_token?: string; error?: string };
    if (context.path === '/token') answers.push(`${context.status} ${error ?? 'granted'}`);
    if (token !== undefined) tokens.push(token);
  });
  const handle = provider.callback();
  server.on('request', (request, response) => void handle(request, response));
}

test('identity.fetch uses a token that it bound to a key of the service, and our resource server accepts it', async () => {
  const response = await identity.fetch(ledger.url);
  expect(response.status).toBe(200);
  expect(ledger.callers.at(-1)).toMatchObject({
    identity: 'close-batch',
    issuer,
    binding: 'dpop',
    scopes: ['journal.write'],
  });
  const { cnf, jti } = decodeJwt(tokens[0]!) as { cnf: { jkt: string }; jti: string };
  expect(ledger.callers.at(-1)!.jkt).toBe(cnf.jkt);
  // The nonce was not known before; a second fetch needs no token.
  expect(answers).toEqual(['400 use_dpop_nonce', '200 granted']);
  await identity.fetch(ledger.url);
  expect(answers).toHaveLength(2);

  const records = readRecords(daemon.folder).filter(({ type }) => type.startsWith('credential.'));
  const released = records.find(({ type }) => type === 'credential.released');
  expect(released).toMatchObject({ actor: SERVICE, body: { binding: 'dpop', provider: 'sso', handles: { jti } } });
  expect(released!.body.jkt).not.toBe(cnf.jkt);
});

test('a lease that an operator rotates gives another token, bound to the same key, and no call fails', async () => {
  const before = await identity.credential('erp-api', 'access-token');
  expect(await command(daemon, 'leases', 'rotate', before.leaseId, '--reason', 'test')).toMatchObject({ status: 0 });
  // The old one serves until the new one has come.
  const after = await vi.waitUntil(
    async () => {
      expect((await identity.fetch(ledger.url)).status).toBe(200);
      const held = await identity.credential('erp-api', 'access-token');
      return held.leaseId !== before.leaseId && held;
    },
    { timeout: 10_000 },
  );
  expect(ledger.refusals).toEqual([]);
  const jktOf = (token: string): unknown => (decodeJwt(token).cnf as { jkt: string }).jkt;
  expect(jktOf(after.token.reveal())).toBe(jktOf(before.token.reveal()));
});

test('a client secret from a file serves as well', async () => {
  const { token, scope, binding } = await identity.credential('secret-api', 'access-token');
  expect([scope, binding]).toEqual(['journal.write', 'dpop']);
  expect(decodeJwt(token.reveal())).toMatchObject({ client_id: 'by-secret', aud: AUDIENCE });
});

test('an audience that the server does not give the client is denied, with what to do about it', async () => {
  await expect(identity.credential('payroll-api', 'access-token')).rejects.toMatchObject({
    code: 'upstream_denied',
    message: expect.stringContaining('"sso" answered invalid_target to the token request') as string,
  });
});

test('neither tokens nor the client secret are in anything that the sidecar has written', async () => {
  expect(tokens.length).toBeGreaterThan(0);
  const files = filesIn(daemon.folder)
    .filter(({ name }) => name !== 'secret')
    .map(({ content }) => content.toString('latin1'));
  expect(files.length).toBeGreaterThan(5);
  for (const secret of [SECRET, ...tokens, ...tokens.map((token) => token.split('.')[2]!)]) {
    expect([...files, daemon.output()].filter((text) => text.includes(secret))).toEqual([]);
  }
});
