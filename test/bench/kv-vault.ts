import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SERVICE } from '../daemon/daemon.ts';
import { requireServer } from '../servers/require-server.ts';
import { startServerProcess } from '../servers/server-process.ts';
import { startVault, type Vault } from '../servers/vault.ts';

/** A Vault with one KV secret, and what gives it to programs of this machine: nothing yet. */
export interface KvVault extends AsyncDisposable {
  readonly vault: Vault;
  /** File of a token that may read the secret, and renew itself. */
  readonly tokenFile: string;
}

/** The name of the secret in the engine `secret`, version 2. */
export const SECRET = 'ledger/db';

const POLICY = `
  path "secret/data/${SECRET}" { capabilities = ["read"] }
  path "auth/token/create" { capabilities = ["update"] }`;

/** Starts a Vault whose secret has a value of the size of a password. */
export async function startKvVault(): Promise<KvVault> {
  const vault = await startVault();
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-vault-'));
  const tokenFile = join(folder, 'token');
  await vault.call('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } });
  await vault.call('POST', `secret/data/${SECRET}`, { data: { password: 'a-password-of-some-length' } });
  await vault.call('PUT', 'sys/policies/acl/bench', { policy: POLICY });
  const token = await vault.call<{ auth: { client_token: string } }>('POST', 'auth/token/create', {
    policies: ['bench'],
    period: '1h',
  });
  writeFileSync(tokenFile, token.auth.client_token, { mode: 0o600 });
  return {
    vault,
    tokenFile,
    async [Symbol.asyncDispose]() {
      await vault.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * The registry of a sidecar whose services, of one socket, may have the secret, as `ledger-kv`: each business process of
 * a service has a lease of it, or each run.
 */
export function kvRegistry(
  { vault, tokenFile }: KvVault,
  identities: readonly string[] = [SERVICE],
  attribution: 'process' | 'run' = 'process',
): string {
  const expires = new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10);
  const entries = identities.map(
    (id) => `  - id: ${id}
    owner: team-payments
    purpose: posts the month-end journal
    environment: test
    expires: ${expires}
    match: [tallystick:socket:app]
    entitlements: [ledger-kv]
`,
  );
  return `identities:
${entries.join('')}providers:
  vault-eu: { type: vault, address: '${vault.url}', auth: { method: token, tokenFile: ${tokenFile} } }
credentials:
  ledger-kv: { provider: vault-eu, path: secret/${SECRET}, lifetime: 1h, attribution: ${attribution} }
`;
}

/** A Vault Proxy, which adds its own token to whatever is asked of its Unix socket. */
export interface VaultProxy extends AsyncDisposable {
  readonly socket: string;
  readonly pid: number;
}

/** Starts a Vault Proxy of the same version as the Vault, as its page has it for a Unix socket. */
export async function startVaultProxy({ vault, tokenFile }: KvVault): Promise<VaultProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-proxy-'));
  const socket = join(folder, 'proxy.sock');
  const config = join(folder, 'proxy.json');
  writeFileSync(
    config,
    JSON.stringify({
      vault: { address: vault.url },
      auto_auth: { method: [{ type: 'token_file', config: { token_file_path: tokenFile } }] },
      api_proxy: { use_auto_auth_token: true },
      cache: {},
      listener: [{ unix: { address: socket, tls_disable: true } }],
    }),
  );
  const server = await startServerProcess(requireServer('vault'), ['proxy', `-config=${config}`], (line) =>
    line.includes('renewed auth token'),
  );
  return {
    socket,
    pid: server.pid,
    async [Symbol.asyncDispose]() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
