import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportSPKI, generateKeyPair, SignJWT } from 'jose';
import type { ProviderContext } from '../../../sidecar/src/providers/provider.ts';
import { startPostgres, type Postgres } from '../../servers/postgres.ts';
import { startVault, type Vault, type VaultOptions } from '../../servers/vault.ts';

/** A Vault with what the provider's page has a platform engineer paste, and a PostgreSQL that it makes logins in. */
export interface FurnishedVault extends Vault {
  readonly postgres: Postgres;
  /** Signs as the federation that the role of the login trusts. */
  readonly sign: ProviderContext['sign'];
  /** Lines of its audit log. */
  audit(): Promise<readonly string[]>;
  /** Gives the sidecar's role another policy in place of its own; without one, its own. */
  allow(policy?: string): Promise<void>;
  /** Runs something while the sidecar's role has another policy. */
  under<T>(policy: string, run: () => Promise<T>): Promise<T>;
}

const PAGE = readFileSync(join(import.meta.dirname, '../../../sidecar/docs/providers/vault.md'), 'utf8');

/** The policy of the provider's page, and what only tests ask for. */
export const POLICY = `${/^```hcl\n(.*?)^```$/ms.exec(PAGE)![1]}
path "kv/ledger/*" { capabilities = ["read"] }
path "database/static-creds/ledger-owner" { capabilities = ["read"] }
`;

export const AUDIENCE = 'https://vault.acme.example';
/** The secret that stands in both versions of KV. */
export const API_KEY = 'canary-of-the-api-key';
const OWNER_PASSWORD = 'canary-before-rotation';

/** The settings of a provider that signs in by its federation. */
export function vaultSettings(address: string, members: object = {}): Record<string, unknown> {
  const auth = { method: 'jwt', role: 'tallystick', audience: AUDIENCE };
  return { type: 'vault', address, auth, auditDevice: 'file', ...members };
}

export async function startFurnishedVault(options: VaultOptions = {}): Promise<FurnishedVault> {
  const [vault, postgres, folder] = await Promise.all([
    startVault(options),
    startPostgres(),
    mkdtemp(join(tmpdir(), 'tallystick-furnished-vault-')),
  ]);
  const auditFile = join(folder, 'audit.log');
  const allow = (policy = POLICY): Promise<void> => vault.call('PUT', 'sys/policies/acl/tallystick', { policy });

  await writeFile(auditFile, '');
  await vault.call('POST', 'sys/audit/file', { type: 'file', options: { file_path: auditFile } });
  await allow();
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  await vault.call('POST', 'sys/auth/jwt', { type: 'jwt' });
  await vault.call('POST', 'auth/jwt/config', { jwt_validation_pubkeys: [await exportSPKI(publicKey)] });
  await vault.call('POST', 'auth/jwt/role/tallystick', {
    role_type: 'jwt',
    bound_audiences: [AUDIENCE],
    user_claim: 'sub',
    bound_claims_type: 'glob',
    bound_claims: { sub: 'spiffe://acme.example/tallystick/sidecar/*' },
    token_policies: ['tallystick'],
    token_ttl: '1h',
  });
  await furnishKv(vault);
  await furnishDatabase(vault, postgres);
  await furnishAuthorities(vault);

  return {
    ...vault,
    // A getter would be read once by the spread.
    get pid() {
      return vault.pid;
    },
    postgres,
    sign: (_role, claims) => new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256' }).sign(privateKey),
    audit: async () => (await readFile(auditFile, 'utf8')).split('\n'),
    allow,
    async under(policy, run) {
      await allow(policy);
      try {
        return await run();
      } finally {
        await allow();
      }
    },
    async stop() {
      await Promise.all([vault.stop(), postgres.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function furnishKv(vault: Vault): Promise<void> {
  await vault.call('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } });
  await vault.call('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '1' } });
  // A mount of version 2 is upgraded in the background, and refuses all until then.
  for (let isReady = false; !isReady;) {
    isReady = await vault.call('POST', 'secret/data/ledger/api', { data: { key: 'the first', port: 5432 } }).then(
      () => true,
      () => false,
    );
  }
  await vault.call('POST', 'secret/data/ledger/api', { data: { key: API_KEY, port: 5433 } });
  await vault.call('POST', 'kv/ledger/api', { key: API_KEY });
}

async function furnishDatabase(vault: Vault, postgres: Postgres): Promise<void> {
  const { host, port, database, superuser } = postgres;
  await vault.call('POST', 'sys/mounts/database', { type: 'database' });
  await vault.call('POST', 'database/config/ledger', {
    plugin_name: 'postgresql-database-plugin',
    allowed_roles: ['*'],
    connection_url: `postgresql://{{username}}:{{password}}@${host}:${port}/${database}?sslmode=disable`,
    // Lease id first: PostgreSQL keeps 63 bytes of a name.
    username_template: '{{ printf "%s-%s" (.DisplayName | replace "token-" "") (random 8) | truncate 63 }}',
    ...superuser,
  });
  await vault.call('POST', 'database/roles/ledger-writer', {
    db_name: 'ledger',
    creation_statements: [`CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`],
    default_ttl: '60s',
    max_ttl: '10m',
  });
  await vault.call('POST', 'database/roles/ledger-admin', {
    db_name: 'ledger',
    creation_statements: [`CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}'`],
  });
  const admin = await vault.call<{ data: { username: string } }>('GET', 'database/creds/ledger-admin');
  await vault.call('POST', 'database/static-roles/ledger-owner', {
    db_name: 'ledger',
    username: admin.data.username,
    password: OWNER_PASSWORD,
    rotation_period: '1h',
  });
}

async function furnishAuthorities(vault: Vault): Promise<void> {
  await vault.call('POST', 'sys/mounts/pki', { type: 'pki' });
  await vault.call('POST', 'pki/root/generate/internal', { common_name: 'acme.example', ttl: '700h' });
  await vault.call('POST', 'pki/roles/workload', {
    require_cn: false,
    use_csr_sans: false,
    use_csr_common_name: false,
    allowed_uri_sans: ['spiffe://acme.example/*'],
    allowed_domains: ['acme.example'],
    allow_subdomains: true,
    key_type: 'ec',
    key_bits: 256,
    max_ttl: '72h',
    generate_lease: true,
  });
  await vault.call('POST', 'sys/mounts/ssh', { type: 'ssh' });
  await vault.call('POST', 'ssh/config/ca', { generate_signing_key: true, key_type: 'ed25519' });
  await vault.call('POST', 'ssh/roles/deploy', {
    key_type: 'ca',
    allow_user_certificates: true,
    allowed_users: 'deploy',
    default_extensions: { 'permit-pty': '' },
    ttl: '30m',
  });
}
