import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { certificateRequest } from '../../../packages/sdk/src/certificate-request.ts';
import { makeSshKey } from '../../../packages/sdk/src/ssh-key.ts';
import { parseYaml } from '../../../sidecar/src/config/yaml.ts';
import { codeBlocks } from '../../rules/markdown.ts';
import { startPostgres, type Postgres } from '../../servers/postgres.ts';
import { describeWithServers, requireServer } from '../../servers/require-server.ts';
import { startVault, type Vault } from '../../servers/vault.ts';
import { openAt, wantedOf, type OpenedVault } from './opened-vault.ts';

const run = promisify(execFile);
const NAME = 'sidecar/docs/providers/vault.md';
const BLOCKS = codeBlocks(NAME, readFileSync(join(import.meta.dirname, '../../../', NAME), 'utf8'));
const written = (flag: string): string =>
  BLOCKS.filter(({ language, flags }) => language === 'sh' && flags.includes(flag))
    .map(({ code }) => code)
    .join('\n');

/** What the page configures. */
const { providers, credentials } = parseYaml(BLOCKS.find(({ language }) => language === 'yaml')!.code).value as {
  readonly providers: { readonly 'vault-eu': object };
  readonly credentials: Readonly<Record<string, { readonly path: string }>>;
};

describeWithServers(['vault', 'postgres'], 'the page of the provider', () => {
  let folder: string;
  let vault: Vault;
  let postgres: Postgres;
  let provider: OpenedVault;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tallystick-vault-page-'));
    [vault, postgres] = await Promise.all([startVault(), startPostgres()]);
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    await symlink(requireServer('vault'), join(folder, 'vault'));
    await writeFile(join(folder, 'tallystick.hcl'), BLOCKS.find(({ language }) => language === 'hcl')!.code);
    await writeFile(join(folder, 'key.pem'), await exportSPKI(publicKey));
    for (const [mount, members] of [
      ['secret', { type: 'kv', options: { version: '2' } }],
      ['database', { type: 'database' }],
      ['pki', { type: 'pki' }],
      ['ssh', { type: 'ssh' }],
    ] as const) {
      await vault.call('POST', `sys/mounts/${mount}`, members);
    }
    await vault.call('POST', 'pki/root/generate/internal', { common_name: 'acme.example', ttl: '700h' });
    await vault.call('POST', 'ssh/config/ca', { generate_signing_key: true });
    await vault.call('POST', 'ssh/roles/deploy', {
      key_type: 'ca',
      allow_user_certificates: true,
      allowed_users: 'deploy',
    });
    // Nothing of ours is served with a certificate that Vault would trust, and the database has a port of its own.
    const script = written('vault')
      .replace('oidc_discovery_url=https://federation.acme.example', 'jwt_validation_pubkeys=@key.pem')
      .replace('localhost:5432/ledger', `${postgres.host}:${postgres.port}/${postgres.database}`)
      .replace('username=vault', `username=${postgres.superuser.username}`);
    await run('sh', ['-ec', script], {
      cwd: folder,
      env: {
        HOME: folder,
        PATH: `${folder}:/usr/bin:/bin`,
        VAULT_ADDR: vault.url,
        VAULT_TOKEN: vault.rootToken,
        VAULT_DATABASE_PASSWORD: postgres.superuser.password,
      },
    });
    await vault.call('POST', 'secret/data/ledger/api', { data: { key: 'canary', other: 'x' } });
    provider = await openAt(
      { sign: (_role, claims) => new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256' }).sign(privateKey) },
      { ...providers['vault-eu'], address: vault.url },
    );
  });
  afterAll(async () => {
    await provider?.close();
    await Promise.all([vault.stop(), postgres.stop()]);
    await rm(folder, { recursive: true });
  });

  test.each(Object.keys(credentials))('what it has pasted is enough for %s', async (name) => {
    const { provider: _, path, ...members } = credentials[name] as { provider: string; path: string };
    const signal = AbortSignal.timeout(15_000);
    const findings = await provider.check(wantedOf(path, members), signal);
    expect(findings.filter(({ ok }) => !ok)).toEqual([]);
    const csr = certificateRequest(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
    const { publicKey } = (await makeSshKey()).applicant;
    const made = await provider.take(path, members, { applicant: { jkt: 'key', csr, publicKey } });
    expect(made.expiresAtMs).toBeGreaterThan(Date.now());
  });
});
