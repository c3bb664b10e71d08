import { execFileSync } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Secret, TallystickError, type Credential, type CredentialType } from '@tallystick/core';
import type { Materials } from '@tallystick/protocol';
import { describe, expect, test } from 'vitest';
import { withBusinessProcess } from '../src/index.ts';
import type { ChannelMessages } from '../src/channels.ts';
import type { Making } from './fake-replies.ts';
import { CLOSE_BATCH, sealedCredential, type FakeOptions, type FakeSidecar } from './fake-sidecar.ts';
import { manualTime } from './manual-time.ts';
import { onPath } from './on-path.ts';
import { folder, openssl, x509 } from './openssl-authority.ts';
import { connected, sidecar } from './setup.ts';

const code = (name: string): unknown => expect.objectContaining({ code: name });

/** Resolves when something is said on a channel of ours. */
function said(channel: keyof ChannelMessages): Promise<unknown> {
  return new Promise((resolve) => {
    const listener = (message: unknown): void => {
      unsubscribe(channel, listener);
      resolve(message);
    };
    subscribe(channel, listener);
  });
}

/** A sidecar with one credential of an upstream, beside the usual token. */
async function upstream(
  type: CredentialType,
  making: NonNullable<FakeOptions['making']>,
  more: Partial<FakeOptions> = {},
): Promise<FakeSidecar> {
  const credentials = [...CLOSE_BATCH.credentials, sealedCredential('it', type)];
  return sidecar({ identities: [{ ...CLOSE_BATCH, credentials }], making, ...more });
}

const [OPENSSL, SSH_KEYGEN] = [onPath('openssl'), onPath('ssh-keygen')];
const LOGIN: Making = { material: { username: 'v-close-1', password: 'canary-1' } };

const BEARERS: { [K in Exclude<CredentialType, 'access-token' | 'x509' | 'ssh'>]: Materials[K] } = {
  aws: { accessKeyId: 'ASIA', secretAccessKey: 'canary-1', sessionToken: 'canary-2', accountId: '123456789012' },
  gcp: { token: 'canary-1', serviceAccount: 'a@b.iam' },
  azure: { token: 'canary-1', clientId: 'c', tenantId: 't' },
  database: { username: 'v-close-1', password: 'canary-1' },
  secret: { values: { user: 'canary-1', password: 'canary-2' }, version: '7' },
};

describe.each(Object.entries(BEARERS))('a credential of type %s', (name, material) => {
  const type = name as keyof typeof BEARERS;

  test('is a frozen snapshot, its secrets sealed up, and nothing prints them', async () => {
    const fake = await upstream(type, () => ({ material, binding: type === 'aws' ? 'sigv4' : 'none' }));
    const identity = await connected(fake);
    const credential = await identity.credential('it', type);
    expect(Object.isFrozen(credential)).toBe(true);
    expect(credential).toMatchObject({ name: 'it', type, delivery: 'sealed', leaseId: fake.leases[0] });
    expect(credential.expiresAt.getTime() - credential.rotateAt.getTime()).toBeGreaterThan(1_700_000);
    expect(revealed(credential)).toEqual(material);
    expect(inspect([credential, identity], { depth: 9, showHidden: true }) + JSON.stringify(credential)).not.toContain(
      'canary',
    );
  });
});

/** Returns the members of a credential that came from the upstream, its secrets open. */
function revealed(credential: Credential): unknown {
  const open = (value: unknown): unknown => {
    if (value instanceof Secret) return value.reveal() as string;
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, open(member)]));
  };
  const {
    name: _1,
    type: _2,
    binding: _3,
    delivery: _4,
    leaseId: _5,
    rotateAt: _6,
    expiresAt: _7,
    ...rest
  } = credential;
  return open(rest);
}

describe('a credential of an upstream', () => {
  test('is asked for once however many want it, and then served from memory', async () => {
    const fake = await upstream('database', () => LOGIN);
    const identity = await connected(fake);
    const many = await Promise.all(Array.from({ length: 100 }, () => identity.credential('it', 'database')));
    expect(new Set(many).size).toBe(1);
    expect(await identity.credential('it', 'database')).toBe(many[0]);
    expect(fake.mints).toBe(1);
  });

  test('is replaced ahead of its end, and not used after it', async () => {
    const time = manualTime();
    const fake = await upstream('database', () => LOGIN, { clock: time.clock });
    const identity = await connected(fake, time);
    const first = await identity.credential('it', 'database');
    time.advance(1_800_000);
    const replaced = said('tallystick:credential:obtained');
    expect(await identity.credential('it', 'database')).toBe(first);
    await replaced;
    expect(await identity.credential('it', 'database')).not.toBe(first);
    time.advance(3_600_000);
    const third = await identity.credential('it', 'database');
    expect(third.leaseId).toBe(fake.leases.at(-1));
  });

  test('is watched: the one there is, then each newer one, until it is revoked', async () => {
    const fake = await upstream('database', () => LOGIN);
    const identity = await connected(fake);
    const watch = identity.watch('it', 'database')[Symbol.asyncIterator]();
    const first = (await watch.next()).value as Credential;
    await fake.until(() => fake.streams === 1);
    fake.rotate(first.leaseId);
    const second = (await watch.next()).value as Credential;
    expect(second.leaseId).not.toBe(first.leaseId);
    fake.revoke(second.leaseId);
    await expect(watch.next()).rejects.toEqual(code('credential_revoked'));
  });

  test('is let go of by release, and the next use asks for another', async () => {
    const fake = await upstream('database', () => LOGIN);
    const identity = await connected(fake);
    const first = await identity.credential('it', 'database');
    await identity.release(first);
    expect(fake.leases).toEqual([]);
    expect((await identity.credential('it', 'database')).leaseId).not.toBe(first.leaseId);
  });

  test('is asked for with the business process, as a claim, and with a key of its own each time', async () => {
    const fake = await upstream('database', () => LOGIN);
    const identity = await connected(fake);
    await withBusinessProcess({ id: 'BP-1042', runId: '2026-11' }, async () =>
      identity.release(await identity.credential('it', 'database')),
    );
    await identity.credential('it', 'database');
    const asked = fake.seen.flatMap(({ credential }) => credential ?? []);
    expect(asked[0]!.context).toEqual({ id: 'BP-1042', run: '2026-11', ticket: null });
    expect(asked[0]!.sealTo).not.toEqual(asked[1]!.sealTo);
  });

  test('is refused as the upstream refuses it, and one that is held is served meanwhile', async () => {
    let answer: Making | TallystickError = LOGIN;
    const time = manualTime();
    const fake = await upstream('database', () => answer, { clock: time.clock });
    const identity = await connected(fake, time);
    const first = await identity.credential('it', 'database');
    answer = new TallystickError('upstream_sealed', 'the vault is sealed');
    time.advance(1_800_000);
    const failed = said('tallystick:credential:failed');
    expect(await identity.credential('it', 'database')).toBe(first);
    expect(await failed).toMatchObject({ serving: true });
    time.advance(1_799_500);
    await expect(identity.credential('it', 'database')).rejects.toEqual(code('upstream_sealed'));
  });

  test('is waited for as long as a sidecar waits for its upstream, and no longer', async () => {
    const time = manualTime();
    const fake = await upstream('database', () => LOGIN, { clock: time.clock });
    const identity = await connected(fake, time);
    fake.options.intercept = ({ credential }) => (credential ? 'hang' : undefined);
    let settled = false;
    const waiting = identity.credential('it', 'database').finally(() => (settled = true));
    waiting.catch(() => {});
    await fake.until(() => fake.seen.some(({ credential }) => credential));
    time.advance(29_000);
    await identity.credential('ledger-api', 'access-token');
    expect(settled).toBe(false);
    time.advance(1000);
    await expect(waiting).rejects.toThrow(/did not answer within 30 s/);
  });

  test('goes to no URL: it is no token', async () => {
    const use = ['https://db.acme.example/'];
    const credentials = [sealedCredential('it', 'gcp', { use })];
    const fake = await sidecar({ identities: [{ ...CLOSE_BATCH, credentials }], making: () => LOGIN });
    const identity = await connected(fake);
    await expect(identity.fetch('https://db.acme.example/')).rejects.toEqual(code('url_not_covered'));
    await expect(identity.fetchWith('it')('https://db.acme.example/')).rejects.toEqual(code('url_not_covered'));
  });

  test('is given up where the configuration gives its name to another type', async () => {
    const fake = await upstream('database', () => LOGIN);
    const identity = await connected(fake);
    const watch = identity.watch('it', 'database')[Symbol.asyncIterator]();
    await watch.next();
    await fake.until(() => fake.streams === 1);
    fake.options.identities = [{ ...CLOSE_BATCH, credentials: [sealedCredential('it', 'gcp')] }];
    fake.options.making = () => ({ material: { token: 'canary-2', serviceAccount: '' } });
    fake.push({ type: 'changed' });
    await expect(watch.next()).rejects.toEqual(code('credential_type_mismatch'));
    await expect(identity.credential('it', 'database')).rejects.toEqual(code('credential_type_mismatch'));
    expect((await identity.credential('it', 'gcp')).token.reveal()).toBe('canary-2');
  });

  test('of a type that is not known yet is refused in words', async () => {
    const credentials = [sealedCredential('it', 'kafka')];
    const fake = await sidecar({ identities: [{ ...CLOSE_BATCH, credentials }] });
    const identity = await connected(fake);
    await expect(identity.credential('it', 'kafka' as never)).rejects.toThrow(/does not know/);
  });
});

describe.skipIf(!OPENSSL)('an X.509 certificate', () => {
  test('is for a key that was made here, is not sent, and is another each time', async () => {
    const sign = openssl();
    const fake = await upstream('x509', ({ request }) => x509(sign(Buffer.from(request.csr!, 'base64'))));
    const identity = await connected(fake);
    const first = await identity.credential('it', 'x509');
    expect(first).toMatchObject({ binding: 'mtls', authorities: 'CA', serial: '0a' });
    expect(first.key.reveal()).toContain('BEGIN PRIVATE KEY');
    await identity.release(first);
    const second = await identity.credential('it', 'x509');
    expect(second.key.equals(first.key)).toBe(false);
    const [one, two] = fake.seen.flatMap(({ credential }) => credential ?? []);
    expect(one!.csr).not.toBe(two!.csr);
  });

  test('that the sidecar gives again is for the key that it was given for', async () => {
    const sign = openssl();
    let given: Making | undefined;
    const fake = await upstream('x509', ({ request }) => (given ??= x509(sign(Buffer.from(request.csr!, 'base64')))));
    const identity = await connected(fake);
    const watch = identity.watch('it', 'x509')[Symbol.asyncIterator]();
    const first = (await watch.next()).value as Credential & { key: Secret };
    await fake.until(() => fake.streams === 1);
    fake.rotate(first.leaseId);
    const second = (await watch.next()).value as Credential & { key: Secret };
    expect(second.key.equals(first.key)).toBe(true);
  });

  test('is for its key also where all was given up meanwhile, and the sidecar still has it', async () => {
    const sign = openssl();
    let given: Making | undefined;
    const fake = await upstream('x509', ({ request }) => (given ??= x509(sign(Buffer.from(request.csr!, 'base64')))));
    const identity = await connected(fake);
    const watch = identity.watch('it', 'x509')[Symbol.asyncIterator]();
    const first = (await watch.next()).value as Credential & { key: Secret };
    await fake.until(() => fake.streams === 1);
    fake.push({ type: 'state', state: 'suspended' });
    await expect(watch.next()).rejects.toEqual(code('identity_suspended'));
    fake.push({ type: 'state', state: 'active' });
    await identity.credential('ledger-api', 'access-token');
    expect((await identity.credential('it', 'x509')).key.equals(first.key)).toBe(true);
  });

  test('for another key is refused', async () => {
    const sign = openssl();
    const other = await connected(
      await upstream('x509', ({ request }) => x509(sign(Buffer.from(request.csr!, 'base64')))),
    );
    const { certificate } = await other.credential('it', 'x509');
    for (const wrong of [certificate, 'no certificate']) {
      const identity = await connected(await upstream('x509', () => x509(wrong)));
      await expect(identity.credential('it', 'x509')).rejects.toThrow(/not for our key/);
    }
  });
});

describe('an OpenSSH certificate', () => {
  /** Returns an authority by ssh-keygen. */
  function authority(): { sign: (line: string) => string; check: (key: string, certificate: string) => string } {
    const dir = folder();
    const run = (...args: string[]): string => execFileSync('ssh-keygen', args, { cwd: dir, stdio: 'pipe' }).toString();
    run('-q', '-t', 'ed25519', '-N', '', '-f', 'ca');
    return {
      sign(line) {
        writeFileSync(join(dir, 'id.pub'), `${line}\n`);
        run('-q', '-s', 'ca', '-I', 'close-batch', '-n', 'deploy', '-V', '+1h', '-z', '7', 'id.pub');
        return execFileSync('cat', ['id-cert.pub'], { cwd: dir }).toString().trim();
      },
      check(key, certificate) {
        writeFileSync(join(dir, 'key'), key, { mode: 0o600 });
        writeFileSync(join(dir, 'cert.pub'), `${certificate}\n`);
        run('-L', '-f', 'cert.pub');
        return run('-y', '-f', 'key').trim();
      },
    };
  }

  test.skipIf(!SSH_KEYGEN)('is for a key that ssh-keygen reads, and whose line it signs', async () => {
    const { sign, check } = authority();
    const fake = await upstream('ssh', ({ request }) => ({
      material: { certificate: sign(request.publicKey!), serial: '7' },
      binding: 'mtls',
    }));
    const identity = await connected(fake);
    const { key, certificate } = await identity.credential('it', 'ssh');
    const line = fake.seen.flatMap(({ credential }) => credential ?? [])[0]!.publicKey!;
    expect(check(key.reveal(), certificate).split(' ').slice(0, 2).join(' ')).toBe(line);
    const other = await connected(await upstream('ssh', () => ({ material: { certificate, serial: '7' } })));
    await expect(other.credential('it', 'ssh')).rejects.toThrow(/not for our key/);
  });

  test.each([
    '',
    'ssh-ed25519-cert-v01@openssh.com',
    'ssh-ed25519-cert-v01@openssh.com AAAA',
    'ssh-rsa AAAAB3NzaC1yc2E',
  ])('that is none is refused: %j', async (certificate) => {
    const fake = await upstream('ssh', () => ({ material: { certificate: certificate || '-', serial: '7' } }));
    await expect((await connected(fake)).credential('it', 'ssh')).rejects.toThrow(/not for our key/);
  });
});
