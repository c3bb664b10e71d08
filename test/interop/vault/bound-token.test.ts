import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@tallystick/sdk';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AUDIENCE, SERVICE, startDaemon, type Daemon } from '../../daemon/daemon.ts';
import { describeWithServers } from '../../servers/require-server.ts';
import { startFurnishedVault, type FurnishedVault } from './furnished-vault.ts';

describeWithServers(['vault', 'postgres'], 'a token of our own that is bound to a certificate of Vault', () => {
  let folder: string;
  let vault: FurnishedVault;
  let daemon: Daemon;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tallystick-bound-token-'));
    vault = await startFurnishedVault();
    const { auth } = await vault.call<{ auth: { client_token: string } }>('POST', 'auth/token/create', {
      policies: ['tallystick'],
    });
    writeFileSync(join(folder, 'vault-token'), auth.client_token, { mode: 0o600 });
    daemon = await startDaemon({ folder, registry: registry(vault.url) });
  });
  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    await vault?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const registry = (address: string): string => `identities:
  - id: ${SERVICE}
    owner: team-payments
    purpose: posts the month-end journal
    environment: test
    expires: ${new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10)}
    match: [tallystick:socket:app]
    entitlements: [batch-tls, ledger-mtls]
providers:
  vault: { type: vault, address: '${address}', auth: { method: token, tokenFile: '${folder}/vault-token' } }
credentials:
  batch-tls: { provider: vault, path: pki/sign/workload }
  ledger-mtls: { provider: issuer, audience: ${AUDIENCE}, certificate: batch-tls, use: [https://ledger.acme.example/] }
`;

  test('has the thumbprint of the leaf, whatever comes with it, and ends with it at the latest', async () => {
    await using identity = await connect({ socket: daemon.socket });
    const certificate = await identity.credential('batch-tls', 'x509');
    const { token, binding, expiresAt } = await identity.credential('ledger-mtls', 'access-token', { certificate });
    const leaf = new X509Certificate(certificate.certificate);
    expect(leaf.subjectAltName).toContain(`URI:${SERVICE}`);
    const thumbprint = Buffer.from(leaf.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
    expect(decodeJwt(token.reveal())).toMatchObject({ sub: SERVICE, cnf: { 'x5t#S256': thumbprint } });
    expect(binding).toBe('mtls');
    expect(expiresAt.getTime()).toBeLessThanOrEqual(certificate.expiresAt.getTime());
  });
});
