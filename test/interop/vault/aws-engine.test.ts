import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startMoto, type Moto } from '../../servers/moto.ts';
import { describeWithServers } from '../../servers/require-server.ts';
import { POLICY, startFurnishedVault, vaultSettings, type FurnishedVault } from './furnished-vault.ts';
import { openAt, type OpenedVault } from './opened-vault.ts';

const ACCOUNT = '123456789012';

describeWithServers(['vault', 'postgres', 'moto'], 'the AWS engine of Vault', () => {
  let moto: Moto;
  let vault: FurnishedVault;
  let provider: OpenedVault;
  beforeAll(async () => {
    [moto, vault] = await Promise.all([startMoto(), startFurnishedVault()]);
    await vault.call('POST', 'sys/mounts/aws', { type: 'aws' });
    await vault.call('POST', 'aws/config/root', {
      access_key: 'AKIAIOSFODNN7EXAMPLE',
      secret_key: 'canary-of-the-root-key',
      region: 'eu-central-1',
      iam_endpoint: moto.url,
      sts_endpoint: moto.url,
      sts_region: 'eu-central-1',
    });
    await vault.call('POST', 'aws/roles/writer', {
      credential_type: 'assumed_role',
      role_arns: [`arn:aws:iam::${ACCOUNT}:role/ledger-writer`],
    });
    await vault.call('POST', 'aws/roles/user', {
      credential_type: 'iam_user',
      policy_document: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }],
      }),
    });
    await vault.allow(`${POLICY} path "aws/creds/*" { capabilities = ["update"] }`);
    provider = await openAt(vault, vaultSettings(vault.url));
  });
  afterAll(async () => {
    await provider?.close();
    await Promise.all([vault.stop(), moto.stop()]);
  });

  test('gives a session whose account is known, and which is promised for no longer than AWS gave it', async () => {
    const made = await provider.take('aws/creds/writer', {}, { lifetimeMs: 3_600_000 });
    expect(made.material).toMatchObject({
      accountId: ACCOUNT,
      accessKeyId: made.handles.accessKeyId,
      secretAccessKey: expect.any(String) as string,
      sessionToken: expect.any(String) as string,
    });
    expect(made.expiresAtMs).toBeLessThanOrEqual(Date.now() + 3_600_000);
    expect(made.renewableUntilMs).toBeUndefined();
  });

  test('the key of a user, which lives on, is refused, and ended by what was kept of it', async () => {
    let kept = '';
    const keep = async (handle: string): Promise<void> => void (kept = handle);
    await expect(provider.take('aws/creds/user', {}, { keep })).rejects.toMatchObject({
      code: 'upstream_denied',
      remedy: expect.stringContaining('assumed_role') as string,
    });
    const left = (): Promise<boolean> =>
      vault.call('LIST', 'sys/leases/lookup/aws/creds/user').then(
        () => true,
        () => false,
      );
    expect(await left()).toBe(true);
    expect(await provider.end!(kept, AbortSignal.timeout(5000))).toBe('revoked');
    await vi.waitUntil(async () => !(await left()), { timeout: 10_000 });
  });
});
