import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { certificateRequest } from '../../../packages/sdk/src/certificate-request.ts';
import { makeSshKey } from '../../../packages/sdk/src/ssh-key.ts';
import { vaultKind } from '../../../sidecar/src/providers/vault.ts';
import { describeWithServers } from '../../servers/require-server.ts';
import { API_KEY, POLICY, startFurnishedVault, vaultSettings, type FurnishedVault } from './furnished-vault.ts';
import { openAt, orderOf, type OpenedVault } from './opened-vault.ts';

describeWithServers(['vault', 'postgres'], 'what engines of Vault give', () => {
  let vault: FurnishedVault;
  let provider: OpenedVault;
  beforeAll(async () => {
    vault = await startFurnishedVault();
  });
  afterAll(() => vault.stop());
  beforeEach(async () => {
    provider = await openAt(vault, vaultSettings(vault.url));
  });
  afterEach(() => provider.close());

  const at = (path: string, members?: object) => provider.take(path, members);

  test('KV version 2: the latest version by default, a chosen one, chosen fields, numbers as their text', async () => {
    expect((await at('secret/ledger/api')).material).toEqual({ values: { key: API_KEY, port: '5433' }, version: '2' });
    expect((await at('secret/ledger/api', { version: 1, fields: ['key'] })).material).toEqual({
      values: { key: 'the first' },
      version: '1',
    });
    expect((await at('secret/data/ledger/api')).material).toMatchObject({ version: '2' });
  });

  test('KV: a secret, a version or a field that is not there is said not to be', async () => {
    await vault.call('POST', 'secret/data/ledger/gone', { data: { key: 'x' } });
    await vault.call('DELETE', 'secret/data/ledger/gone');
    for (const [path, members] of [
      ['secret/ledger/none', {}],
      ['secret/ledger/gone', {}],
      ['secret/ledger/api', { version: 9 }],
      ['secret/ledger/api', { fields: ['nothing'] }],
      ['kv/ledger/none', {}],
      ['kv/ledger/api', { version: 1 }],
    ] as const) {
      await expect(at(path, members), path).rejects.toMatchObject({ code: 'upstream_not_found' });
    }
  });

  test('KV version 2: a version that deletes itself is good until then, and no longer', async () => {
    await vault.call('POST', 'secret/metadata/ledger/brief', { delete_version_after: '30s' });
    await vault.call('POST', 'secret/data/ledger/brief', { data: { key: 'x' } });
    expect((await at('secret/ledger/brief')).expiresAtMs).toBeLessThanOrEqual(Date.now() + 30_000);
  });

  test('a login of the database has the lease id in its name, and cannot outlive the greatest age of its role', async () => {
    const order = orderOf('database/creds/ledger-writer');
    const made = await provider.mint(order);
    expect(made.handles.databaseUser).toMatch(new RegExp(`^${order.leaseId.replace('_', '-')}-`));
    // The role gives 60 s at first, and 10 min at the most.
    expect(made.expiresAtMs).toBeLessThanOrEqual(Date.now() + 60_000);
    expect(made.renewableUntilMs).toBeLessThanOrEqual(Date.now() + 600_000);
    expect(made.renewableUntilMs).toBeGreaterThan(Date.now() + 500_000);
    const renewed = await provider.renew!(made.handle!, { ...order, lifetimeMs: 900_000 });
    expect(renewed.expiresAtMs).toBeLessThanOrEqual(Date.now() + 600_000);
    expect(renewed.renewableUntilMs).toBe(renewed.expiresAtMs);
  });

  test('without the right to read the role, the greatest age is that of the mount, and a renewal finds out', async () => {
    const policy = POLICY.replace(/^path "database\/roles.*$/m, '');
    const order = orderOf('database/creds/ledger-writer');
    const made = await vault.under(policy, () => provider.mint(order));
    expect(made.renewableUntilMs).toBeGreaterThan(Date.now() + 86_400_000);
    const renewed = await provider.renew!(made.handle!, { ...order, lifetimeMs: 900_000 });
    expect(renewed.renewableUntilMs).toBe(renewed.expiresAtMs);
  });

  test('the HMAC of a lease is the one by which the audit log knows its renewals', async () => {
    const order = orderOf('database/creds/ledger-writer');
    const made = await provider.mint(order);
    await provider.renew!(made.handle!, order);
    expect(made.handles.vaultLeaseHmac).toMatch(/^hmac-sha256:/);
    const lines = await vault.audit();
    expect(lines.some((line) => line.includes(`"lease_id":"${made.handles.vaultLeaseHmac}"`))).toBe(true);
  });

  test('the audit log names identity, owner, process and run of who it is for', async () => {
    const order = orderOf('secret/ledger/api');
    await provider.mint(order);
    const line = (await vault.audit()).find((each) => each.includes(order.leaseId) && each.includes('secret/data'));
    for (const name of [order.identity.id, 'team-payments', 'BP-1042', 'run-7']) expect(line).toContain(name);
  });

  test('a static login is good until Vault changes it', async () => {
    const made = await provider.take('database/static-creds/ledger-owner', {}, { lifetimeMs: 86_400_000 });
    expect(made.expiresAtMs).toBeLessThanOrEqual(Date.now() + 3_600_000);
    expect(made.handle).toBeUndefined();
  });

  test('a certificate is for the key and the identity, and verifies against what comes with it', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const made = await provider.take(
      'pki/sign/workload',
      { dnsNames: ['batch.acme.example'] },
      { applicant: { jkt: 'key', csr: certificateRequest(privateKey) }, lifetimeMs: 3_600_000 },
    );
    const { certificate, authorities, serial } = made.material as Record<string, string>;
    const leaf = new X509Certificate(certificate!);
    expect(leaf.publicKey.equals(publicKey)).toBe(true);
    expect(leaf.subjectAltName).toBe('DNS:batch.acme.example, URI:spiffe://acme.example/payments/close-batch');
    expect(leaf.verify(new X509Certificate(authorities!).publicKey)).toBe(true);
    expect(serial).toBe(leaf.serialNumber.toLowerCase());
    expect(made.expiresAtMs).toBeLessThanOrEqual(leaf.validToDate.getTime());
  });

  test('a certificate that is ended stands in the revocation list of its authority', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const made = await provider.take(
      'pki/sign/workload',
      {},
      { applicant: { jkt: 'key', csr: certificateRequest(privateKey) } },
    );
    await provider.end!(made.handle!, AbortSignal.timeout(5000));
    const serial = (made.material as { serial: string }).serial.match(/../g)!.join(':');
    await vi.waitUntil(async () => {
      const { data } = await vault.call<{ data: { revocation_time: number } }>('GET', `pki/cert/${serial}`);
      return data.revocation_time > 0;
    });
  });

  test('a certificate without the identity, because its role reads names of requests, is not handed out', async () => {
    await vault.call('POST', 'pki/roles/careless', { require_cn: false, allow_any_name: true, key_type: 'ec' });
    const policy = `${POLICY} path "pki/sign/careless" { capabilities = ["update"] }`;
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const applicant = { jkt: 'key', csr: certificateRequest(privateKey) };
    await expect(
      vault.under(policy, () => provider.take('pki/sign/careless', {}, { applicant })),
    ).rejects.toMatchObject({
      code: 'upstream_denied',
      remedy: expect.stringContaining('use_csr_sans=false') as string,
    });
  });

  test('a name that the role of an authority does not allow is a refusal', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const applicant = { jkt: 'key', csr: certificateRequest(privateKey) };
    await expect(
      provider.take('pki/sign/workload', { dnsNames: ['mail.example'] }, { applicant }),
    ).rejects.toMatchObject({ code: 'upstream_denied' });
    await expect(provider.take('pki/sign/none', {}, { applicant })).rejects.toMatchObject({ code: 'upstream_denied' });
  });

  test('an SSH certificate is for the key, the principals and no longer than was asked', async () => {
    const { applicant: sent, fits } = await makeSshKey();
    const applicant = { jkt: 'key', publicKey: sent.publicKey };
    const made = await provider.take('ssh/sign/deploy', { principals: ['deploy'] }, { applicant });
    const { certificate, serial } = made.material as Record<string, string>;
    expect(fits(certificate as never)).toBe(true);
    expect(serial).toMatch(/^[1-9][0-9]+$/);
    expect(made.expiresAtMs).toBeLessThanOrEqual(Date.now() + 300_000);
    await expect(provider.take('ssh/sign/deploy', { principals: ['root'] }, { applicant })).rejects.toMatchObject({
      code: 'upstream_denied',
    });
  });

  test('a key and a request are demanded before anything is asked', () => {
    for (const path of ['pki/sign/workload', 'ssh/sign/deploy']) {
      expect(() => provider.requireApplicant!(orderOf(path))).toThrow(expect.objectContaining({ code: 'csr_refused' }));
    }
    expect(vaultKind.describe(orderOf('ssh/sign/deploy').wanted, {} as never).holders).toBe('own');
  });

  test('an engine that nothing is known of gives its values, under its lease', async () => {
    const made = await at('database/creds/ledger-writer', { engine: 'generic', fields: ['username'] });
    expect(Object.keys((made.material as { values: object }).values)).toEqual(['username']);
    expect(made.handle).toBeDefined();
  });
});
