// What a service is handed by a real sidecar: certificates whose keys it made, under a trust file that the command wrote,
// with a man in the middle who reads and changes what he likes.
import { X509Certificate } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { X509Credential } from '@tallystick/core';
import type { Identity } from '@tallystick/sdk';
import { connectWith, type Runtime } from '@tallystick/sdk/internal';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { command, commandJson } from '../daemon/command.ts';
import { SERVICE, startDaemon, type Daemon } from '../daemon/daemon.ts';
import { startRelay, type Relay } from '../daemon/relay.ts';

const REGISTRY = `providers:
  mesh: { type: ca }
identities:
  - id: ${SERVICE}
    owner: team-payments
    purpose: posts the month-end journal
    environment: test
    businessProcesses: [BP-1042]
    expires: ${new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10)}
    match: [tallystick:socket:app]
    entitlements: [batch-tls, other-tls]
credentials:
  batch-tls: { provider: mesh, lifetime: 1h, dnsNames: [batch.acme.example] }
  other-tls: { provider: mesh, lifetime: 1h }
`;
const PATH = '/v1/credentials/batch-tls';

let daemon: Daemon;
let trust: string;
beforeAll(async () => {
  daemon = await startDaemon({ registry: REGISTRY });
  ({ stdout: trust } = await command(daemon, 'issuer', 'trust', '--identity', SERVICE));
});
afterAll(() => daemon[Symbol.asyncDispose]());

/** Connects through a relay, with a trust file. */
async function connected(to: Daemon = daemon, file = trust): Promise<{ identity: Identity; relay: Relay }> {
  const relay = startRelay();
  const runtime: Partial<Runtime> = {
    transport: relay.transport,
    env: { TALLYSTICK_TRUST: '/etc/tallystick/trust.json' },
    readTrustFile: () => file,
  };
  const identity = await connectWith(runtime, { socket: to.socket });
  onTestFinished(() => identity.close());
  return { identity, relay };
}

/** Resolves when the next event stream of this process is open: what is said to its holder arrives from then on. */
function streamOpened(): Promise<void> {
  return new Promise((resolve) => {
    const opened = (): void => {
      unsubscribe('tallystick:events:open', opened);
      resolve();
    };
    subscribe('tallystick:events:open', opened);
  });
}

const certificateOf = ({ certificate }: X509Credential): X509Certificate => new X509Certificate(certificate);
const fault = (identity: Identity): Promise<unknown> =>
  identity.credential('batch-tls', 'x509').catch((error: unknown) => error);

describe('tallystick issuer trust', () => {
  test('names the issuer, the keys of answers, the identity, and other servers', async () => {
    const servers = 'https://sso.acme.example/token,http://127.0.0.1:1/token';
    const { value } = await commandJson(daemon, 'issuer', 'trust', '--authorization-servers', servers);
    const { replyKeys, ...rest } = JSON.parse(trust) as Record<string, unknown>;
    expect(rest).toEqual({ issuer: 'https://tallystick.acme.example', identity: SERVICE });
    expect(value).toEqual({ issuer: rest.issuer, replyKeys, authorizationServers: servers.split(',') });
    expect(new Set(replyKeys as string[]).size).toBe(2);
  });

  // Where tests are not root's, the file is their own, and refused: a test of the SDK has that.
  test.skipIf(process.getuid!() !== 0)('writes the file that TALLYSTICK_TRUST names', async () => {
    const path = join(daemon.folder, 'trust.json');
    writeFileSync(path, trust);
    await using identity = await connectWith({ env: { TALLYSTICK_TRUST: path } }, { socket: daemon.socket });
    expect((await identity.credential('batch-tls', 'x509')).delivery).toBe('sealed');
    chmodSync(path, 0o666);
    await expect(connectWith({ env: { TALLYSTICK_TRUST: path } }, { socket: daemon.socket })).rejects.toMatchObject({
      code: 'config_invalid',
    });
  });

  test.each([
    ['--identity', 'close-batch'],
    ['--authorization-servers', 'http://sso.acme.example/token'],
    ['--authorization-servers', 'https://sso.acme.example/token,'],
  ])('refuses %s %s', async (...args) => {
    expect(await command(daemon, 'issuer', 'trust', ...args)).toMatchObject({ status: 2, stdout: '' });
  });
});

describe('a certificate of a real sidecar', () => {
  test('is for the key that the service made, and for its identity; neither key nor certificate passes in clear', async () => {
    const { identity, relay } = await connected();
    const credential = await identity.credential('batch-tls', 'x509');
    const certificate = certificateOf(credential);
    expect(certificate.subjectAltName).toContain(`URI:${SERVICE}`);
    expect(certificate.subject).toContain(credential.leaseId);
    expect(certificate.verify(new X509Certificate(credential.authorities).publicKey)).toBe(true);
    expect(credential).toMatchObject({ type: 'x509', binding: 'mtls', delivery: 'sealed' });
    const passed = relay.passed.join('\n');
    expect(passed).toContain('"sealed"');
    const lines = (credential.key.reveal() + credential.certificate)
      .split('\n')
      .filter((line) => /^[\w+/=]{20,}$/.test(line));
    expect(lines.filter((line) => passed.includes(line))).toEqual([]);
  });

  test('is replaced with another key when an operator asks, and the lease that was let go of is gone', async () => {
    const streamed = streamOpened();
    const { identity } = await connected();
    await streamed;
    const watch = identity.watch('batch-tls', 'x509')[Symbol.asyncIterator]();
    const first = (await watch.next()).value as X509Credential;
    expect(await command(daemon, 'leases', 'rotate', first.leaseId, '--reason', 'x')).toMatchObject({ status: 0 });
    const second = (await watch.next()).value as X509Credential;
    expect(second.key.equals(first.key)).toBe(false);
    expect(certificateOf(second).publicKey.equals(certificateOf(first).publicKey)).toBe(false);
    await identity.release(second);
    expect((await command(daemon, 'leases', 'list', '--json')).stdout).not.toContain(second.leaseId);
  });
});

describe('a man in the middle', () => {
  test.each([
    ['have the answer sealed to a key of his own', 'seal_to'],
    ['have a key of his own certified', 'csr'],
  ])('cannot %s: the proof covers the request', async (_, member) => {
    const { identity, relay } = await connected();
    const his = await connected();
    let request: Record<string, unknown> = {};
    his.relay.request = (asked) => {
      if (asked.path === PATH) request = JSON.parse(asked.body!) as Record<string, unknown>;
      return asked;
    };
    await his.identity.credential('batch-tls', 'x509');
    relay.request = (asked) =>
      asked.path === PATH
        ? { ...asked, body: JSON.stringify({ ...(JSON.parse(asked.body!) as object), [member]: request[member] }) }
        : asked;
    expect(await fault(identity)).toMatchObject({ code: 'invalid_proof' });
  });

  test.each<[what: string, path: string]>([
    ['what was said before', PATH],
    ['what was said of another credential', '/v1/credentials/other-tls'],
  ])('cannot pass off %s', async (_, path) => {
    const { identity, relay } = await connected();
    let earlier: string | undefined;
    relay.answer = (request, body) => {
      if (request.path === path) earlier ??= body;
      return request.path === PATH ? earlier! : body;
    };
    await identity.credential('other-tls', 'x509');
    const first = await fault(identity);
    if (path === PATH) await identity.release(first as X509Credential);
    expect(await fault(identity)).toMatchObject({
      code: 'protocol_error',
      message: expect.stringContaining('does not open') as string,
    });
  });

  test('cannot pass off what was said to another workload', async () => {
    const { identity, relay } = await connected();
    const other = await connected();
    let theirs = '';
    other.relay.answer = (_, body) => (theirs = body);
    await other.identity.credential('batch-tls', 'x509');
    relay.answer = (request, body) => (request.path === PATH ? theirs : body);
    expect(await fault(identity)).toMatchObject({ code: 'protocol_error' });
  });

  test('is found out where he runs a sidecar of his own under our issuer', async () => {
    await using squatter = await startDaemon({ registry: REGISTRY });
    const { identity } = await connected(squatter);
    expect(await fault(identity)).toMatchObject({ code: 'reply_untrusted' });
    const { stdout } = await command(squatter, 'issuer', 'trust');
    const believed = await connected(squatter, stdout);
    await believed.identity.credential('batch-tls', 'x509');
  });
});
