// Tokens that are bound to the certificate of a connection (RFC 8705 §3): a service calls an API behind mTLS, by tokens of
// the sidecar's own issuer, while certificates of the sidecar's own authority rotate.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer, request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { connect, type Identity, type X509Credential } from '@tallystick/sdk';
import { materialOf, rotateServer, rotatingDispatcher } from '@tallystick/sdk/tls';
import { createVerifier, Refusal, type Caller } from '@tallystick/resource-server';
import { createLocalJWKSet, decodeJwt, jwtVerify, type JSONWebKeySet } from 'jose';
import { Agent, request } from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import { command } from '../daemon/command.ts';
import { AUDIENCE, ISSUER, SERVICE, startDaemon, type Daemon } from '../daemon/daemon.ts';
import { freePort } from '../servers/free-ports.ts';
import { allPublished } from '../daemon/published.ts';
import { readRecords } from '../faults/record-files.ts';

const registry = (port: number, lifetime: string): string => `identities:
  - id: ${SERVICE}
    owner: team-payments
    purpose: posts the month-end journal
    environment: test
    businessProcesses: [BP-1042]
    expires: ${new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10)}
    match: [tallystick:socket:app]
    entitlements: [batch-tls, other-tls, api-tls, ledger-mtls]
providers:
  mesh: { type: ca }
credentials:
  batch-tls: { provider: mesh, lifetime: ${lifetime}, usages: [client] }
  other-tls: { provider: mesh, usages: [client] }
  api-tls: { provider: mesh, dnsNames: [ledger.test], usages: [server] }
  ledger-mtls: { provider: issuer, audience: ${AUDIENCE}, certificate: batch-tls, use: [https://127.0.0.1:${port}/] }
`;

/** A request that the API has accepted, and the certificate of its connection, as Node says it. */
interface Accepted {
  readonly caller: Caller;
  readonly shown: string;
  readonly serial: string;
}

/** A sidecar, a service, and an API behind mTLS that knows nothing of proofs. */
async function bench(lifetime = '1h') {
  const port = await freePort();
  const daemon = await startDaemon({ registry: registry(port, lifetime) });
  onTestFinished(() => daemon[Symbol.asyncDispose]());
  const identity = await connect({ socket: `unix://${daemon.socket}` });
  onTestFinished(() => identity.close());
  const unix = `unix:${daemon.socket}`;
  const verifier = createVerifier({
    audience: AUDIENCE,
    publicOrigins: [`https://127.0.0.1:${port}`],
    issuers: [{ issuer: ISSUER, jwks: unix, subjects: [SERVICE], revocations: { url: unix, pollMs: 100 } }],
    clientCertificate: 'tls',
  });
  onTestFinished(() => verifier.close());
  const accepted: Accepted[] = [];
  const refused: Refusal[] = [];
  const slow = Promise.withResolvers<void>();
  const server = createServer({ requestCert: true, rejectUnauthorized: false }, (message, response) => {
    void verifier.verify(message).then(
      async (caller) => {
        const { fingerprint256, serialNumber } = (message.socket as TLSSocket).getPeerX509Certificate()!;
        const shown = Buffer.from(fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
        accepted.push({ caller, shown, serial: serialNumber.toLowerCase() });
        if (message.url === '/slow') await slow.promise;
        response.end(caller.x5t);
      },
      (error: unknown) => {
        if (!Refusal.is(error)) throw error;
        refused.push(error);
        response.writeHead(error.status, { ...error.headers }).end();
      },
    );
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await rotateServer(identity, 'api-tls', server);
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return { daemon, identity, accepted, refused, slow, url: (path: string) => `https://127.0.0.1:${port}${path}`, port };
}

/** Calls over connections that show the certificate, with tokens that are bound to it. */
async function service(identity: Identity, url: (path: string) => string) {
  const dispatcher = await rotatingDispatcher(identity, 'batch-tls', (tls, certificate) =>
    new Agent({ connect: { ...tls, servername: 'ledger.test' } }).compose(identity.interceptor({ certificate })),
  );
  onTestFinished(() => dispatcher.close());
  return async (path: string): Promise<string> => {
    const { statusCode, body } = await request(url(path), { dispatcher: dispatcher as unknown as Agent });
    const text = await body.text();
    expect(statusCode).toBe(200);
    return text;
  };
}

/** Sends a token over a connection of its own, which shows a certificate or none. */
async function send(port: number, authorization: string, certificate: X509Credential | undefined, authorities: string) {
  const tls = certificate ? materialOf(certificate) : { ca: authorities };
  const sent = httpsRequest({
    port,
    host: '127.0.0.1',
    servername: 'ledger.test',
    agent: false,
    headers: { authorization },
    ...tls,
  });
  const [answer] = (await once(sent.end(), 'response')) as [IncomingMessage];
  answer.resume();
  return { status: answer.statusCode, challenge: answer.headers['www-authenticate'] };
}

/** What the records of releases say of leases: to which other they are bound, and the serial of a certificate. */
function releases(daemon: Daemon) {
  const bound = new Map<string, string>();
  const serials = new Map<string, string>();
  for (const { type, lease, refs, body } of readRecords(daemon.folder)) {
    if (type !== 'credential.released' || lease === null) continue;
    const { handles } = body as { handles: { certificateSerial?: string } | null };
    if (handles?.certificateSerial !== undefined) serials.set(lease, handles.certificateSerial);
    for (const { rel, id } of refs) if (rel === 'bound_to') bound.set(lease, id);
  }
  return { bound, serials };
}

test('no call fails while certificates rotate, and each token is bound to the certificate of its connection', async () => {
  const { daemon, identity, accepted, slow, url } = await bench('5s');
  const get = await service(identity, url);
  const first = await get('/');
  const inFlight = get('/slow');
  const seen = (): ReadonlySet<string> => new Set(accepted.map(({ shown }) => shown));
  while (seen().size < 4) await Promise.all([get('/a'), get('/b'), get('/c')]);
  slow.resolve();
  expect(await inFlight).toBe(first);

  const { bound, serials } = releases(daemon);
  for (const { caller, shown, serial } of accepted) {
    expect(caller).toMatchObject({ identity: SERVICE, binding: 'mtls', x5t: shown, jkt: undefined });
    expect(caller.claims.cnf).toEqual({ 'x5t#S256': shown });
    expect(serials.get(bound.get(caller.leaseId!)!)).toBe(serial);
  }
  await allPublished(daemon);
  const verified = await command(daemon, 'audit', 'verify');
  expect(verified.stdout).toMatch(/integrity +holds: every record/);
  expect(verified.stdout).not.toContain('record_rule');
  const { leaseId } = accepted[0]!.caller;
  const evidence = join(daemon.folder, 'evidence.ndjson');
  await command(daemon, 'audit', 'export', '--format', 'ndjson', '--lease', leaseId!, '--out', evidence);
  expect(readFileSync(evidence, 'utf8')).toContain(`"rel":"bound_to"`);
}, 60_000);

test('a token is good over connections that show its certificate, and no others', async () => {
  const { daemon, identity, port, refused } = await bench();
  const certificate = await identity.credential('batch-tls', 'x509');
  const other = await identity.credential('other-tls', 'x509');
  const { token } = await identity.credential('ledger-mtls', 'access-token', { certificate });
  const over = (shown: X509Credential | undefined, scheme = 'Bearer') =>
    send(port, `${scheme} ${token.reveal()}`, shown, certificate.authorities);
  expect((await over(certificate)).status).toBe(200);
  for (const shown of [other, undefined]) {
    const { status, challenge } = await over(shown);
    expect([status, challenge]).toEqual([401, expect.stringMatching(/Bearer .*error="invalid_token"/)]);
  }
  expect((await over(certificate, 'DPoP')).status).toBe(401);
  expect(refused.map(({ reason }) => reason)).toEqual(['certificate', 'certificate', 'token_unbound']);

  const keys = (await (await fetch(`${daemon.publicUrl}/jwks`)).json()) as JSONWebKeySet;
  const expected = { issuer: ISSUER, audience: AUDIENCE, subject: SERVICE, typ: 'at+jwt' };
  await jwtVerify(token.reveal(), createLocalJWKSet(keys), expected);
});

test.each(['its certificate', 'the key that it was given to'])(
  'a token ends at the API when %s is revoked',
  async (what) => {
    const { daemon, identity, port, refused } = await bench();
    const certificate = await identity.credential('batch-tls', 'x509');
    const { token, leaseId } = await identity.credential('ledger-mtls', 'access-token', { certificate });
    const call = async (): Promise<number | undefined> =>
      (await send(port, `Bearer ${token.reveal()}`, certificate, certificate.authorities)).status;
    expect(await call()).toBe(200);
    const { holder } = decodeJwt(token.reveal()).tallystick as { holder: string };
    const named = what === 'its certificate' ? [certificate.leaseId] : ['--jkt', holder];
    await command(daemon, 'leases', 'revoke', ...named, '--reason', 'test');
    await expect.poll(call, { timeout: 10_000 }).toBe(401);
    expect(refused.at(-1)?.reason).toBe('token_revoked');
    await expect
      .poll(() =>
        readRecords(daemon.folder).flatMap(({ type, body }) =>
          type === 'credential.revoked' ? (body as { leases: string[] }).leases : [],
        ),
      )
      .toEqual(expect.arrayContaining([certificate.leaseId, leaseId]));
  },
);

test('no call fails when the sidecar is killed and comes back: another certificate takes over, with tokens of its own', async () => {
  const { daemon, identity, accepted, url } = await bench();
  const get = await service(identity, url);
  const first = await get('/');
  await daemon.kill('SIGKILL');
  expect(await get('/')).toBe(first);
  await using _again = await daemon.again();
  while (new Set(accepted.map(({ shown }) => shown)).size < 2) {
    await get('/');
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const { caller, shown } of accepted) expect(caller.x5t).toBe(shown);
}, 60_000);
