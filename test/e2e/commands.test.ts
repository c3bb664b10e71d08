// Every command of the sidecar's README against a daemon that runs, as a platform engineer would use them.
import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeProtectedHeader } from 'jose';
import { createProof } from '@tallystick/dpop';
import { readIssuerFile, type TrustedIssuer } from '@tallystick/resource-server';
import { connect, type AccessTokenCredential } from '@tallystick/sdk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command, commandJson, tallystick } from '../daemon/command.ts';
import { ISSUER, SERVICE, startDaemon, TALLYSTICK, type Daemon } from '../daemon/daemon.ts';
import { startLedger, type Ledger } from '../daemon/ledger.ts';
import { FROM_SOURCES, startProgram } from '../daemon/program.ts';
import { canRunAs } from '../daemon/run-as.ts';
import { overSocket, socketClient } from '../daemon/socket-client.ts';
import { startTraffic } from '../daemon/traffic.ts';
import { readRecords } from '../faults/record-files.ts';

const ASK_ONCE = fileURLToPath(new URL('programs/ask-once.ts', import.meta.url));
const root = process.getuid?.() === 0;
const NOBODY = 65_534;
interface CheckOutput {
  readonly ok: boolean;
  readonly mistakes: readonly unknown[];
  readonly warnings: readonly { readonly code: string }[];
}
const REASON = ['--reason', 'INC-7'] as const;

describe.skipIf(root && !canRunAs(NOBODY))('on a machine where nothing is set up', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tallystick-commands-'));
    for (const name of ['', 'run', 'state']) {
      mkdirSync(join(folder, name), { recursive: true });
      if (root) chownSync(join(folder, name), NOBODY, NOBODY);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('init, check and run serve a service of the same user', { timeout: 60_000 }, async () => {
    const user = {
      cwd: folder,
      uid: root ? NOBODY : undefined,
      env: { HOME: folder, XDG_RUNTIME_DIR: join(folder, 'run'), XDG_STATE_HOME: join(folder, 'state') },
    };
    const init = await tallystick(['init'], user);
    expect(init).toMatchObject({ status: 0, stderr: '' });
    const check = await tallystick(['check', '--json'], user);
    expect(check).toMatchObject({ status: 0, stderr: '' });
    const { ok, mistakes, warnings } = JSON.parse(check.stdout) as CheckOutput;
    expect({ ok, mistakes, codes: warnings.map(({ code }) => code) }).toEqual({
      ok: true,
      mistakes: [],
      codes: root ? ['match_overflow_uid', 'file_writable'] : ['file_writable'],
    });

    await using daemon = startProgram({ ...user, command: [process.execPath, ...TALLYSTICK, 'run'] });
    await daemon.line(({ message }) => message === 'serving');
    await using service = startProgram({
      ...user,
      command: [process.execPath, ...FROM_SOURCES, ASK_ONCE, 'demo-api'],
    });
    expect(await service.line(({ id }) => id !== undefined)).toMatchObject({
      id: 'spiffe://example.internal/demo/service',
      leaseId: expect.stringMatching(/^ls_/) as string,
    });
    expect(await service.ended).toBe(0);
    expect((await tallystick(['status'], user)).status).toBe(0);
    expect(await daemon.kill('SIGTERM')).toBe(0);
    expect(await tallystick(['status'], user)).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('start it with "tallystick run"') as string,
    });
    // What is there is never written over.
    expect((await tallystick(['init'], user)).status).toBe(1);
  });
});

/** A program that has a token and listens to nobody: a thief with the process's memory. */
async function deafHolder(daemon: Daemon) {
  const client = await socketClient(daemon.socket);
  const token = String((await client.token()).json().access_token);
  return {
    client,
    token,
    async call(url: string): Promise<number> {
      const dpop = createProof(client.key, { method: 'GET', url, iat: Date.now() / 1000, accessToken: token });
      return (await fetch(url, { headers: { authorization: `DPoP ${token}`, dpop } })).status;
    },
  };
}

describe('against a sidecar that serves', () => {
  let ledger: Ledger;
  let daemon: Daemon;
  beforeAll(async () => {
    ledger = await startLedger();
    // Nobody is registered for the second socket.
    daemon = await startDaemon({ use: ledger.url, sockets: ['app', 'other'] });
    const file = join(daemon.folder, 'issuer.json');
    const exported = await command(
      daemon,
      'issuer',
      'export',
      '--subject',
      'spiffe://acme.example/payments/',
      '--jwks',
      `${daemon.publicUrl}/jwks`,
      '--revocations',
      `${daemon.publicUrl}/revocations`,
    );
    writeFileSync(file, exported.stdout);
    const issuer = readIssuerFile(file);
    ledger.trust({ ...issuer, revocations: { url: issuer.revocations as string, pollMs: 250 } });
  });
  afterAll(async () => {
    await daemon[Symbol.asyncDispose]();
    await ledger[Symbol.asyncDispose]();
  });

  test('status says that it is ready, for people and for programs', async () => {
    const { status, value } = await commandJson(daemon, 'status');
    expect(status).toBe(0);
    expect(value).toMatchObject({
      ready: true,
      pid: daemon.pid,
      trust_domain: 'acme.example',
      identities: 1,
      suspended: [],
      record: { writable: true },
    });
    const { stdout } = await command(daemon, 'status');
    expect(stdout).toMatch(/^ready +true$/m);
    expect(stdout).toMatch(/^record.writable +true$/m);
  });

  test('check explains the configuration it runs by, and schema prints one that editors take', async () => {
    const { status, value } = await commandJson(daemon, 'check');
    expect(status).toBe(0);
    expect(value).toMatchObject({ ok: true, identities: [{ id: SERVICE }], credentials: [{ name: 'ledger-api' }] });
    const status2 = await commandJson(daemon, 'status');
    expect(value.registry).toBe(status2.value.registry);
    const schema = await tallystick(['schema']);
    expect(schema.status).toBe(0);
    expect(JSON.parse(schema.stdout)).toMatchObject({
      type: 'object',
      required: expect.arrayContaining(['version']) as string[],
    });
  });

  test('identities explain shows a workload that matched none, with the selectors that "match" takes', async () => {
    const answer = await (await socketClient(daemon.socketNamed('other'))).token();
    expect(answer.json()).toMatchObject({ error: 'invalid_client', code: 'identity_unknown' });
    const { status, value } = await commandJson<{ unmatched: { selectors: string[] }[] }>(
      daemon,
      'identities',
      'explain',
    );
    expect(status).toBe(0);
    expect(value.unmatched).toMatchObject([{ socket: 'other', pid: process.pid, count: expect.any(Number) as number }]);
    expect(value.unmatched[0]!.selectors).toEqual(
      expect.arrayContaining(['tallystick:socket:other', `unix:uid:${process.getuid!()}`]),
    );
    const { stdout } = await command(daemon, 'identities', 'explain');
    expect(stdout).toContain('tallystick:socket:other');
  });

  test('identities suspend stops the calls of a service, and resume lets them go on', async () => {
    await using identity = await connect({ socket: daemon.socket });
    await using traffic = startTraffic(identity, ledger.url);
    await traffic.more(3);
    const suspended = await commandJson(daemon, 'identities', 'suspend', SERVICE, ...REASON);
    expect(suspended).toMatchObject({
      status: 0,
      value: { id: SERVICE, state: 'suspended', scope: 'this sidecar alone' },
    });
    expect(await traffic.nextFailure()).toMatchObject({
      code: 'identity_suspended',
      remedy: expect.stringContaining('tallystick identities resume') as string,
    });
    const { value } = await commandJson(daemon, 'identities', 'list');
    expect(value).toMatchObject({ identities: [{ id: SERVICE, state: 'suspended' }] });
    expect((await command(daemon, 'identities', 'resume', SERVICE, ...REASON)).stdout).toContain(
      'is active on this sidecar alone',
    );
    await traffic.more(3);
  });

  test('leases rotate gives a connected service another token, and fails no call', async () => {
    await using identity = await connect({ socket: daemon.socket });
    await using traffic = startTraffic(identity, ledger.url);
    await traffic.more(1);
    const first = ledger.callers.at(-1)!.leaseId!;
    const listed = await commandJson<{ leases: { id: string; live: boolean; jkt: string }[] }>(
      daemon,
      'leases',
      'list',
    );
    const lease = listed.value.leases.find(({ id }) => id === first)!;
    expect(lease).toMatchObject({
      identity: SERVICE,
      credential: 'ledger-api',
      live: true,
      jkt: ledger.callers.at(-1)!.jkt,
    });
    const rotated = await commandJson(daemon, 'leases', 'rotate', first, ...REASON);
    expect(rotated).toEqual({ status: 0, value: { rotating: [first] } });
    await expect.poll(async () => (await traffic.more(1), ledger.callers.at(-1)!.leaseId)).not.toBe(first);
    expect(traffic.failures).toEqual([]);
  });

  test('leases revoke is seen by a service at once, and by an API that reads the list', async () => {
    await using identity = await connect({ socket: daemon.socket });
    const held = identity.watch('ledger-api', 'access-token')[Symbol.asyncIterator]();
    const { leaseId } = ((await held.next()) as IteratorYieldResult<AccessTokenCredential>).value;
    const ended = expect(held.next()).rejects.toMatchObject({ code: 'credential_revoked' });
    const revoked = await commandJson(daemon, 'leases', 'revoke', leaseId, ...REASON);
    expect(revoked).toEqual({ status: 0, value: { revoked: [leaseId] } });
    await ended;
    // The service itself goes on, with another.
    expect((await identity.fetch(ledger.url)).status).toBe(200);
    expect(ledger.callers.at(-1)!.leaseId).not.toBe(leaseId);

    // One that listens to nobody is stopped by the API.
    const deaf = await deafHolder(daemon);
    const call = (): Promise<number> => deaf.call(ledger.url);
    expect(await call()).toBe(200);
    expect((await command(daemon, 'leases', 'revoke', '--jkt', deaf.client.key.jkt, ...REASON)).stdout).toBe(
      'revoked: 1\n',
    );
    await expect.poll(call, { timeout: 10_000 }).toBe(401);
    // The key is barred as well.
    expect((await deaf.client.token()).json()).toMatchObject({ code: 'key_revoked' });
  });

  test('issuer rotate under traffic fails no call, and the API follows by the JWKS URL', async () => {
    await using identity = await connect({ socket: daemon.socket });
    await using traffic = startTraffic(identity, ledger.url);
    await traffic.more(1);
    const kidOf = async (): Promise<unknown> =>
      decodeProtectedHeader((await identity.credential('ledger-api', 'access-token')).token.reveal()).kid;
    const before = await kidOf();
    const { status, value } = await commandJson(daemon, 'issuer', 'rotate', ...REASON);
    expect({ status, value }).toMatchObject({
      status: 0,
      value: { previous: before, kid: expect.not.stringMatching(String(before)) as string },
    });
    await command(daemon, 'leases', 'rotate', '--identity', SERVICE, ...REASON);
    await expect.poll(kidOf).toBe(value.kid);
    await traffic.more(3);
    expect(traffic.failures).toEqual([]);
    const { keys } = (await (await fetch(`${daemon.publicUrl}/jwks`)).json()) as { keys: { kid: string }[] };
    expect(keys.map(({ kid }) => kid)).toEqual(expect.arrayContaining([before, value.kid]));

    const again = await command(daemon, 'issuer', 'rotate', ...REASON);
    expect(again).toMatchObject({ status: 4, stderr: expect.stringMatching(/rotate again in \d+ s/) as string });
  });

  test.each(['close-batch', 'spiffe://acme.example', 'spiffe://other.example/payments/', 'spiffe://acme.example/a//'])(
    'issuer export for %s, which names nobody of the trust domain, is refused',
    async (subject) => {
      const { status, stdout, stderr } = await command(daemon, 'issuer', 'export', '--subject', subject);
      expect([status, stdout]).toEqual([2, '']);
      expect(stderr).toContain('write spiffe://acme.example/');
    },
  );

  test('issuer export without a URL has the keys in it, that of the next rotation too', async () => {
    // One of its own: the other has rotated a moment ago.
    await using daemon = await startDaemon();
    const { stdout, stderr } = await command(daemon, 'issuer', 'export');
    expect(stderr).toMatch(/good for 30 days.*\n.*--jwks/);
    const exported = JSON.parse(stdout) as TrustedIssuer & { jwks: { keys: { kid: string }[] } };
    expect(exported).toMatchObject({ issuer: ISSUER, subjects: ['spiffe://acme.example/'] });
    const { value } = await commandJson(daemon, 'issuer', 'rotate', ...REASON);
    await using offline = await startLedger();
    offline.trust(exported);
    const holder = await deafHolder(daemon);
    expect(decodeProtectedHeader(holder.token).kid).toBe(value.kid);
    expect(await holder.call(offline.url)).toBe(200);
  });

  test('what a command changes is on record, with who asked and why', async () => {
    await deafHolder(daemon);
    await command(daemon, 'leases', 'rotate', '--identity', SERVICE, '--reason', 'CHG-31');
    const record = readRecords(daemon.folder).findLast(({ body }) => JSON.stringify(body).includes('CHG-31'));
    expect(record).toMatchObject({ body: { operator: { uid: process.getuid!(), reason: 'CHG-31' } } });
  });

  test.each([
    ['there is no such command', ['lease', 'list'], 2, 'did you mean "leases"'],
    ['there is no such action', ['identities', 'show'], 2, 'there is no "identities show"'],
    ['there is no such option', ['status', '--jsn'], 2, 'did you mean "--json"'],
    ['a change has no reason', ['identities', 'suspend', SERVICE], 2, 'give --reason'],
    ['a change names nothing', ['leases', 'revoke', ...REASON], 2, 'name a lease id'],
    ['the identity is not known', ['identities', 'suspend', `${SERVICE}x`, ...REASON], 4, 'identities list'],
    ['the lease id is none', ['leases', 'revoke', 'x', ...REASON], 4, 'name a lease id'],
    ['nothing was there to rotate', ['leases', 'rotate', '--jkt', 'A'.repeat(43), ...REASON], 1, ''],
  ])('where %s the exit code and the words say so', async (_, args, status, words) => {
    const { status: actual, stderr } = await command(daemon, ...args);
    expect({ status: actual, stderr }).toEqual({ status, stderr: expect.stringContaining(words) as string });
  });

  test('a configuration that is not there, or names no sidecar that answers, is told apart', async () => {
    expect(await tallystick(['status'], { cwd: daemon.folder, env: { TALLYSTICK_CONFIG: 'none.yaml' } })).toMatchObject(
      {
        status: 1,
        stderr: expect.stringContaining('none.yaml') as string,
      },
    );
    const elsewhere = join(daemon.folder, 'elsewhere.yaml');
    writeFileSync(elsewhere, readFileSync(daemon.config, 'utf8').replace('/admin/', '/nobody/'));
    expect(await tallystick(['status', '--config', elsewhere])).toMatchObject({
      status: 3,
      stdout: '',
      stderr: expect.stringContaining('tallystick run') as string,
    });
  });
});

const PYTHON = spawnSync('python3', ['--version']).status === 0;
if (!PYTHON)
  process.stderr.write(
    'NOT TESTED: readiness by NOTIFY_SOCKET (Node has no Unix datagrams, and there is no python3)\n',
  );

describe.skipIf(!PYTHON && !process.env.CI)('a supervisor that waits for readiness', () => {
  const RECEIVER = `
import json, socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1].replace("@", chr(0)))
print(json.dumps({"bound": True}), flush=True)
while True:
    print(json.dumps({"state": receiver.recv(256).decode()}), flush=True)`;

  test.each(['a path', 'an abstract name'])('is told by %s, once the socket serves, and of the end', async (kind) => {
    const folder = mkdtempSync(join(tmpdir(), 'tallystick-notify-'));
    const address = kind === 'a path' ? join(folder, 'notify.sock') : `@${folder}`;
    await using supervisor = startProgram({ command: ['python3', '-c', RECEIVER, address], cwd: folder });
    await supervisor.line(({ bound }) => bound === true);
    await using daemon = await startDaemon({ env: { NOTIFY_SOCKET: address }, noWait: true });
    await supervisor.line(({ state }) => state === 'READY=1');
    expect((await overSocket(daemon.socket, 'GET', '/jwks')).status).toBe(200);
    await daemon.kill('SIGTERM');
    await supervisor.line(({ state }) => state === 'STOPPING=1');
    rmSync(folder, { recursive: true });
  });
});
