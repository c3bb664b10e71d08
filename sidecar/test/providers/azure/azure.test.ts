import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { leaseId, systemClock, systemRandom } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import { azureKind, type AzureSettings, type AzureWanted } from '../../../src/providers/azure.ts';
import { vaultScope } from '../../../src/providers/azure/key-vault.ts';
import { requestIdOf } from '../../../src/providers/azure/request-id.ts';
import { tokenRefusal } from '../../../src/providers/azure/token-refusal.ts';
import { identity } from '../../acme.ts';
import { readAll } from '../secrets-of.ts';
import { openedAzure } from './opened-azure.ts';

const GRAPH = { scope: 'https://graph.microsoft.com/.default' };
const CLIENT = '7b0a3f0e-1f0d-4c55-8a3e-6f2d9b1c0a42';

describe('what Microsoft is told', () => {
  test('is which identity signs in, and the lease id as the GUID that its logs correlate by', async () => {
    const { judge, provider, order } = await openedAzure();
    const asked = order(GRAPH);
    await provider.mint(asked);
    expect(judge.log).toEqual([
      { operation: 'sign-in', subject: asked.identity.id, correlationId: requestIdOf(asked.leaseId) },
    ]);
  });

  test('has a GUID for each lease id, from which that can be found again', () => {
    expect(requestIdOf('ls_00000000000000000000000000')).toBe('00000000-0000-0000-0000-000000000000');
    expect(requestIdOf('ls_7ZZZZZZZZZZZZZZZZZZZZZZZZZ')).toBe('ffffffff-ffff-ffff-ffff-ffffffffffff');
    expect(requestIdOf('ls_01ARZ3NDEKTSV4RRFFQ69G5FAV')).toBe('01563e3a-b5d3-d676-4c61-efb99302bd5b');
    const ids = Array.from({ length: 100 }, () => requestIdOf(leaseId(systemClock, systemRandom)));
    expect(new Set(ids).size).toBe(100);
  });
});

describe('a token', () => {
  test('says whose it is, and is handed out for no longer than was asked for', async () => {
    const { judge, provider, order } = await openedAzure();
    const { material, expiresAtMs } = await provider.mint(order(GRAPH, { lifetimeMs: 720_000 }));
    expect(material).toMatchObject({ clientId: judge.client, tenantId: judge.tenant });
    expect(judge.accepts((material as { token: string }).token)).toBe(true);
    expect(expiresAtMs).toBeLessThanOrEqual(Date.now() + 720_000);
  });

  test('lives no longer than Entra says', async () => {
    const { provider, order } = await openedAzure();
    const { expiresAtMs } = await provider.mint(order(GRAPH, { lifetimeMs: 7_200_000 }));
    expect(expiresAtMs).toBeLessThanOrEqual(Date.now() + 3_599_000);
  });
});

describe('a secret of a key vault', () => {
  test('is read in its newest version, or in the one that is named, under the lease id', async () => {
    const { judge, provider, order } = await openedAzure();
    for (const version of [{}, { version: '4387e9f3d6e14c459867679a90fd0f79' }]) {
      const asked = order({ vault: judge.url, secret: judge.secret, ...version });
      const { material } = await provider.mint(asked);
      expect(material).toEqual({ values: { value: judge.secretValue }, version: '4387e9f3d6e14c459867679a90fd0f79' });
      expect(judge.log.at(-1)).toMatchObject({ operation: 'SecretGet', correlationId: requestIdOf(asked.leaseId) });
    }
    const other = order({ vault: judge.url, secret: judge.secret, version: '0'.repeat(32) });
    await expect(provider.mint(other)).rejects.toMatchObject({ code: 'upstream_not_found' });
  });

  test('that may not be read comes with the command that gives the right', async () => {
    const { judge, provider, order } = await openedAzure();
    judge.admit(false);
    await expect(provider.mint(order({ vault: judge.url, secret: judge.secret }))).rejects.toMatchObject({
      code: 'upstream_denied',
      remedy: expect.stringContaining(
        `az role assignment create --assignee ${CLIENT} --role "Key Vault Secrets User"`,
      ) as string,
    });
  });

  test('is asked for with the scope of the cloud that the vault is in', () => {
    expect(vaultScope('https://acme.vault.azure.net')).toBe('https://vault.azure.net/.default');
    expect(vaultScope('https://acme.vault.azure.cn')).toBe('https://vault.azure.cn/.default');
    expect(vaultScope('https://acme.vault.usgovcloudapi.net')).toBe('https://vault.usgovcloudapi.net/.default');
    expect(vaultScope('https://vault.azure.net.evil.example')).toBe('https://vault.azure.net/.default');
  });
});

describe('a refusal', () => {
  test('of one identity comes with the command that makes the application trust it, and concerns no other', async () => {
    const { judge, provider, order, federation } = await openedAzure();
    judge.trust(['spiffe://acme.example/payments/other']);
    await expect(provider.mint(order(GRAPH))).rejects.toMatchObject({
      code: 'upstream_denied',
      remedy: `az ad app federated-credential create --id ${CLIENT} --parameters '${JSON.stringify({
        name: 'acme-example-payments-close-batch',
        issuer: federation.url,
        subject: 'spiffe://acme.example/payments/close-batch',
        audiences: ['api://AzureADTokenExchange'],
      })}'`,
    });
    await expect(provider.mint(order(GRAPH, { identity: identity('payments/other') }))).resolves.toBeDefined();
  });

  test('of a key that was never published says so of the federation, until it is', async () => {
    const { federation, provider, order } = await openedAzure();
    await writeFile(join(federation.dir, 'jwks.json'), '{"keys":[]}');
    await expect(provider.mint(order(GRAPH))).rejects.toMatchObject({
      code: 'upstream_login_refused',
      remedy: expect.stringContaining('tallystick issuer publish') as string,
    });
    await federation.publish();
    await expect(provider.mint(order(GRAPH))).resolves.toBeDefined();
  });

  test.each([
    ['a tenant that is not there', { tenant: 'acme.onmicrosoft.com' }, GRAPH, 'upstream_login_refused', 'tenant'],
    [
      'an application that is not there',
      { client: CLIENT.replace('7', '8') },
      GRAPH,
      'upstream_login_refused',
      'client',
    ],
    ['a resource that is not there', {}, { scope: 'api://nobody/.default' }, 'upstream_not_found', 'scope'],
  ])('of %s names what to correct', async (_what, settings, credential, code, word) => {
    const { provider, order } = await openedAzure(settings);
    await expect(provider.mint(order(credential))).rejects.toMatchObject({
      code,
      remedy: expect.stringContaining(`"${word}"`) as string,
    });
  });

  test.each([
    [400, [700211], 'upstream_login_refused'],
    [401, [700212], 'upstream_login_refused'],
    [401, [7002138], 'upstream_denied'],
    [400, [65001], 'upstream_denied'],
    [400, [90033], 'upstream_unavailable'],
    [401, [5002738], 'upstream_login_refused'],
    [401, undefined, 'upstream_login_refused'],
    [429, [50196], 'upstream_rate_limited'],
    [500, [1], 'upstream_failed'],
  ])('with status %i and the numbers %j is %s', (status, numbers, code) => {
    const jwt = `e30.${Buffer.from('{"iss":"https://identity.example","sub":"spiffe://acme.example/a"}').toString('base64url')}.x`;
    const text = JSON.stringify({ error: 'canary', error_description: 'canary', error_codes: numbers });
    const error = tokenRefusal('entra', { client: CLIENT, assertion: jwt }, { status, headers: {}, text }, 0);
    expect(error.code).toBe(code);
    expect(JSON.stringify([error.message, error.remedy])).not.toContain('canary');
  });
});

describe('a check', () => {
  test('tries the application, and says that an identity of nobody is rightly unknown', async () => {
    const { judge, provider, order } = await openedAzure();
    judge.trust([]);
    const [, trial] = await provider.check(order(GRAPH).wanted, AbortSignal.timeout(10_000));
    expect(trial).toMatchObject({ ok: true, what: `application ${CLIENT}` });
  });

  test('says what is missing', async () => {
    const { provider, order } = await openedAzure({ tenant: 'acme.onmicrosoft.com' });
    const [, trial] = await provider.check(order(GRAPH).wanted, AbortSignal.timeout(10_000));
    expect(trial).toMatchObject({ ok: false, remedy: expect.stringContaining('"tenant"') as string });
  });
});

describe('the configuration', () => {
  const SETTINGS = { type: 'azure', tenant: 'acme.onmicrosoft.com' };
  const VAULT = { vault: 'https://acme.vault.azure.net', secret: 'ledger-key' };
  const read = (credential: object) =>
    readAll(azureKind.credential, { provider: 'azure', ...credential }) as AzureWanted;
  const faultsOf = (credential: object, settings: object = { client: CLIENT }): string[] => {
    const faults: string[] = [];
    const whole = readAll(azureKind.settings, { ...SETTINGS, ...settings }) as AzureSettings;
    azureKind.judge!(read(credential), whole, ['credentials', 'c'], ({ message }) => faults.push(message));
    return faults;
  };

  test('has one application, and a token or a secret', () => {
    expect(faultsOf(GRAPH, {})).toEqual(['"c" lacks "client"']);
    expect(faultsOf({ ...GRAPH, client: CLIENT }, {})).toEqual([]);
    expect(faultsOf({})).toEqual(['"c" is for a token and a secret, or for none']);
    expect(faultsOf({ ...GRAPH, ...VAULT })).toEqual(['"c" is for a token and a secret, or for none']);
    expect(faultsOf({ vault: VAULT.vault })).toEqual(['"c" has one of "vault" and "secret"']);
    expect(faultsOf(VAULT)).toEqual([]);
  });

  test('refuses what Entra does not give: a scope without /.default, many tenants, other lifetimes', () => {
    expect(() => read({ scope: 'https://graph.microsoft.com/User.Read' })).toThrow('is not a scope');
    expect(() => readAll(azureKind.settings, { ...SETTINGS, tenant: 'common' })).toThrow('it stands for many tenants');
    expect(() => readAll(azureKind.settings, { ...SETTINGS, authority: 'http://login.example' })).toThrow('https');
    expect(faultsOf({ ...GRAPH, lifetime: '11m' })).toHaveLength(1);
    expect(faultsOf({ ...GRAPH, lifetime: '61m' })).toHaveLength(1);
    expect(faultsOf({ ...GRAPH, lifetime: '12m' })).toEqual([]);
  });

  test('says how far a credential is bound, and what its consumers need left', () => {
    const describe = (credential: object) => azureKind.describe(read(credential), undefined as never);
    expect(describe(GRAPH)).toMatchObject({
      type: 'azure',
      binding: 'none',
      holders: 'shared',
      audience: 'https://graph.microsoft.com',
      floorMs: 360_000,
    });
    expect(describe(VAULT)).toMatchObject({ type: 'secret', binding: 'none' });
  });
});
