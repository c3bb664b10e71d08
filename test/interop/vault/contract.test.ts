import { generateKeyPairSync } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { certificateRequest } from '../../../packages/sdk/src/certificate-request.ts';
import { makeSshKey } from '../../../packages/sdk/src/ssh-key.ts';
import type { Made } from '../../../sidecar/src/providers/provider.ts';
import { vaultKind } from '../../../sidecar/src/providers/vault.ts';
import { providerContract } from '../../../sidecar/test/providers/contract.ts';
import type { ProxiedRequest } from '../../../sidecar/test/providers/fault-proxy.ts';
import type { Subject } from '../../../sidecar/test/providers/subject.ts';
import { describeWithServers } from '../../servers/require-server.ts';
import { API_KEY, startFurnishedVault, vaultSettings, type FurnishedVault } from './furnished-vault.ts';

describeWithServers(['vault', 'postgres'], 'Vault', () => {
  let vault: FurnishedVault;
  beforeAll(async () => {
    vault = await startFurnishedVault();
  });
  afterAll(() => vault.stop());

  const subject = (members: Pick<Subject, 'title' | 'credential' | 'cannot'> & Partial<Subject>): Subject => ({
    kind: vaultKind,
    serverUrl: () => vault.url,
    settings: vaultSettings,
    sign: (...args) => vault.sign(...args),
    makes: at(String(members.credential.path)),
    signsIn: at('auth/jwt/login'),
    async deny() {
      await vault.allow('path "auth/token/create" { capabilities = ["update"] }');
      return () => vault.allow();
    },
    async namesLease(id) {
      const line = (await vault.audit()).find((each) => each.includes(`"display_name":"${displayName(id)}"`));
      return line !== undefined && line.includes(`"lease":"${id}"`);
    },
    secrets: () => [vault.rootToken],
    ...members,
  });

  providerContract(
    subject({
      title: 'vault, database login',
      credential: { path: 'database/creds/ledger-writer' },
      accepted: (made) => connects(vault, made),
      cannot: {},
    }),
  );
  providerContract(
    subject({
      title: 'vault, static database login',
      credential: { path: 'database/static-creds/ledger-owner' },
      accepted: (made) => connects(vault, made),
      cannot: { ...ONLY_READ, rotate: 'Vault changes it by its own schedule' },
    }),
  );
  providerContract(
    subject({
      title: 'vault, KV version 2',
      credential: { path: 'secret/ledger/api' },
      makes: at('secret/data/ledger/api'),
      accepted: async ({ material }) => 'values' in material && material.values.key === API_KEY,
      cannot: { ...ONLY_READ, rotate: 'it is what somebody has written there' },
    }),
  );
  providerContract(
    subject({
      title: 'vault, KV version 1',
      credential: { path: 'kv/ledger/api' },
      accepted: async ({ material }) => 'values' in material && material.values.key === API_KEY,
      cannot: { ...ONLY_READ, rotate: 'it is what somebody has written there' },
    }),
  );
  providerContract(
    subject({
      title: 'vault, certificate',
      credential: { path: 'pki/sign/workload' },
      applicant: () => ({ csr: certificateRequest(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey) }),
      cannot: { renew: 'a certificate cannot be extended' },
    }),
  );
  providerContract(
    subject({
      title: 'vault, SSH certificate',
      credential: { path: 'ssh/sign/deploy', principals: ['deploy'] },
      applicant: async () => ({ publicKey: (await makeSshKey()).applicant.publicKey }),
      cannot: {
        keep: 'nothing ends it but its own time',
        renew: 'a certificate cannot be extended',
        revoke: 'nothing ends it but its own time',
      },
    }),
  );
});

/** Vault takes letters, digits and hyphens. */
function displayName(leaseId: string): string {
  return `token-${leaseId.replace('_', '-')}`;
}

/** What a value that is only read cannot. */
const ONLY_READ = {
  keep: 'nothing is made',
  renew: 'it is read anew',
  revoke: 'what others have too is not ended with one lease',
};

function at(path: string): (request: ProxiedRequest) => boolean {
  return ({ path: asked }) => asked === `/v1/${path}`;
}

async function connects({ postgres: { host, port, database } }: FurnishedVault, { material }: Made): Promise<boolean> {
  const { username, password } = material as { username: string; password: string };
  const client = new pg.Client({ host, port, database, user: username, password });
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end();
  }
}
