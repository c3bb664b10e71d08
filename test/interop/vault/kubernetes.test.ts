// The sidecar signs in at Vault by the token of its service account, as a pod has it projected. An API server of
// Kubernetes judges that token (TokenReview), not one of ours.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startKubernetes, type Kubernetes } from '../../servers/kubernetes.ts';
import { describeWithServers } from '../../servers/require-server.ts';
import { API_KEY, AUDIENCE, startFurnishedVault, vaultSettings, type FurnishedVault } from './furnished-vault.ts';
import { openAt, type OpenedVault } from './opened-vault.ts';

const SECRET = 'secret/ledger/api';
const REFUSED = { code: 'upstream_login_refused', description: '"upstream" refuses the login by auth/kubernetes' };

describeWithServers(['vault', 'postgres', 'kube-apiserver', 'etcd'], 'a login by a service account', () => {
  let folder: string;
  let tokenFile: string;
  let vault: FurnishedVault;
  let kubernetes: Kubernetes;
  let provider: OpenedVault;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tallystick-vault-kubernetes-'));
    tokenFile = join(folder, 'token');
    [vault, kubernetes] = await Promise.all([startFurnishedVault(), startKubernetes()]);
    await kubernetes.makeServiceAccount('vault', 'reviewer');
    await kubernetes.allowTokenReview('vault', 'reviewer');
    await kubernetes.makeServiceAccount('sidecars', 'tallystick');
    await vault.call('POST', 'sys/auth/kubernetes', { type: 'kubernetes' });
    await vault.call('POST', 'auth/kubernetes/config', {
      kubernetes_host: kubernetes.url,
      kubernetes_ca_cert: kubernetes.authority,
      token_reviewer_jwt: await kubernetes.tokenOf('vault', 'reviewer'),
      disable_local_ca_jwt: true,
    });
    await vault.call('POST', 'auth/kubernetes/role/tallystick', {
      bound_service_account_names: ['tallystick'],
      bound_service_account_namespaces: ['sidecars'],
      audience: AUDIENCE,
      token_policies: ['tallystick'],
      token_ttl: '1h',
    });
  });
  afterAll(async () => {
    await Promise.all([vault?.stop(), kubernetes?.stop()]);
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    provider = await openAt(
      vault,
      vaultSettings(vault.url, { auth: { method: 'kubernetes', role: 'tallystick', tokenFile } }),
    );
  });
  afterEach(() => provider.close());

  const project = (token: string): Promise<void> => writeFile(tokenFile, token);
  const forgetLogins = (): Promise<void> => vault.call('PUT', 'sys/leases/revoke-prefix/auth/kubernetes');

  test('is by the token that is projected for Vault', async () => {
    await project(await kubernetes.tokenOf('sidecars', 'tallystick', [AUDIENCE]));
    expect((await provider.take(SECRET)).material).toMatchObject({ values: { key: API_KEY } });
  });

  test('is refused for a token that is for the API server, or for anybody else', async () => {
    for (const audiences of [undefined, ['https://others.acme.example']]) {
      await project(await kubernetes.tokenOf('sidecars', 'tallystick', audiences));
      await expect(provider.take(SECRET)).rejects.toMatchObject(REFUSED);
    }
  });

  test('is refused for a token whose time is over', async () => {
    await project(await kubernetes.expiredTokenOf('sidecars', 'tallystick', [AUDIENCE]));
    await expect(provider.take(SECRET)).rejects.toMatchObject(REFUSED);
  });

  test('is refused for a token that another cluster has signed', async () => {
    const [header, claims, signature] = (await kubernetes.tokenOf('sidecars', 'tallystick', [AUDIENCE])).split('.');
    await project([header, claims, Buffer.from(signature!, 'base64url').reverse().toString('base64url')].join('.'));
    await expect(provider.take(SECRET)).rejects.toMatchObject(REFUSED);
  });

  test('is refused for a service account that the role is not bound to', async () => {
    await kubernetes.makeServiceAccount('sidecars', 'another');
    await kubernetes.makeServiceAccount('others', 'tallystick');
    for (const [namespace, name] of [
      ['sidecars', 'another'],
      ['others', 'tallystick'],
    ] as const) {
      await project(await kubernetes.tokenOf(namespace, name, [AUDIENCE]));
      await expect(provider.take(SECRET)).rejects.toMatchObject(REFUSED);
    }
  });

  test('is by what is in the file when it is needed', async () => {
    await project(await kubernetes.tokenOf('sidecars', 'tallystick', [AUDIENCE]));
    await provider.take(SECRET);
    await kubernetes.makeServiceAccount('sidecars', 'tallystick-2');
    await forgetLogins();
    await project(await kubernetes.tokenOf('sidecars', 'tallystick-2', [AUDIENCE]));
    await expect(provider.take(SECRET)).rejects.toMatchObject(REFUSED);
    await project(await kubernetes.tokenOf('sidecars', 'tallystick', [AUDIENCE]));
    await expect(provider.take(SECRET)).resolves.toBeDefined();
  });

  test('is refused for an account that was removed, also where another has its name now', async () => {
    // One that the API server has not judged yet: for ten seconds it remembers whom it found good.
    await project(await kubernetes.tokenOf('sidecars', 'tallystick', [AUDIENCE]));
    await kubernetes.call('DELETE', '/api/v1/namespaces/sidecars/serviceaccounts/tallystick');
    await kubernetes.makeServiceAccount('sidecars', 'tallystick');
    await expect(provider.take(SECRET)).rejects.toMatchObject(REFUSED);
  });
});
