import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Vault } from '../servers/vault.ts';
import { SERVICE, startDaemon, type Daemon } from './daemon.ts';

/** A login that Vault's database engine makes for the service. */
export interface VaultLogin {
  /** Name of the credential. */
  readonly credential: string;
  /** Role of the engine, which is mounted at `database`. */
  readonly role: string;
  /** How long a login lives, such as `6s`. */
  readonly lease: string;
  /** Path of a secret in KV version 2, mounted at `secret`, that the sidecar may read too. */
  readonly secret?: string;
}

/**
 * Starts a daemon for one service, whose logins come from `vault`. It signs in by a token that may do no more.
 *
 * @param edit Changes the configuration before it is written.
 */
export async function startDaemonOnVault(
  vault: Vault,
  login: VaultLogin,
  edit: (config: string) => string = (config) => config,
): Promise<Daemon> {
  await vault.call('PUT', 'sys/policies/acl/tallystick-logins', { policy: policyOf(login) });
  const { auth } = await vault.call<{ auth: { client_token: string } }>('POST', 'auth/token/create', {
    policies: ['tallystick-logins'],
  });
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-on-vault-'));
  const tokenFile = join(folder, 'vault-token');
  writeFileSync(tokenFile, auth.client_token, { mode: 0o600 });
  const daemon = await startDaemon({ folder, registry: registryOf(login, vault.url, tokenFile), edit });
  return Object.assign(daemon, {
    async [Symbol.asyncDispose]() {
      await daemon.kill('SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    },
  });
}

function policyOf({ role, secret }: VaultLogin): string {
  return `
path "database/creds/${role}" { capabilities = ["read"] }
path "database/roles/${role}" { capabilities = ["read"] }
path "auth/token/create" { capabilities = ["update"] }
path "auth/token/renew-accessor" { capabilities = ["update"] }
path "auth/token/revoke-accessor" { capabilities = ["update"] }
${secret === undefined ? '' : `path "secret/data/${secret}" { capabilities = ["read"] }`}
`;
}

function registryOf({ credential, role, lease }: VaultLogin, address: string, tokenFile: string): string {
  return `identities:
  - id: ${SERVICE}
    owner: team-payments
    purpose: posts the month-end journal
    environment: test
    expires: ${new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10)}
    match: [tallystick:socket:app]
    entitlements: [${credential}]
providers:
  vault: { type: vault, address: '${address}', auth: { method: token, tokenFile: '${tokenFile}' } }
credentials:
  ${credential}: { provider: vault, path: database/creds/${role}, lifetime: ${lease} }
`;
}
