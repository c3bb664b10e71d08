import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gcpKind, type GcpWanted } from '../../../src/providers/gcp.ts';
import { identity } from '../../acme.ts';
import { readAll } from '../secrets-of.ts';
import { openedGcp } from './opened-gcp.ts';

const ACCOUNT = { serviceAccount: 'reports@acme-prod.iam.gserviceaccount.com' };
const SECRET = { secret: 'projects/acme-prod/secrets/ledger-key' };

describe('what Google is told', () => {
  test('is who asks, who answers for it, what for, and under which lease: in claims, and in its audit log', async () => {
    const { judge, provider, order } = await openedGcp();
    const asked = order(ACCOUNT, { process: { id: 'BP-1042', run: 'run-7' } });
    const { material } = await provider.mint(asked);
    expect(judge.attributesOf((material as { token: string }).token)).toMatchObject({
      sub: 'spiffe://acme.example/payments/close-batch',
      tallystick: {
        lease: asked.leaseId,
        owner: asked.identity.owner.id,
        environment: asked.identity.environment,
        process: 'BP-1042',
        run: 'run-7',
      },
    });
    expect(judge.log.at(-1)).toEqual({
      method: 'GenerateAccessToken',
      principal: 'spiffe://acme.example/payments/close-batch',
      reason: `tallystick lease=${asked.leaseId} identity=${asked.identity.id} owner=${asked.identity.owner.id} process=BP-1042`,
    });
  });
});

describe('a token', () => {
  test('of a service account lives as long as was asked for, and says whose it is', async () => {
    const { judge, provider, order } = await openedGcp();
    const beforeMs = Date.now();
    const { material, expiresAtMs } = await provider.mint(order(ACCOUNT, { lifetimeMs: 720_000 }));
    expect(material).toMatchObject({ serviceAccount: judge.serviceAccount });
    expect(expiresAtMs).toBeGreaterThan(beforeMs + 718_000);
    expect(expiresAtMs).toBeLessThanOrEqual(Date.now() + 720_000);
  });

  test('of the principal itself is handed out for no longer than was asked for, though Google gives an hour', async () => {
    const { provider, order } = await openedGcp();
    const { material, expiresAtMs } = await provider.mint(order({}, { lifetimeMs: 720_000 }));
    expect(material).toMatchObject({ serviceAccount: '' });
    expect(expiresAtMs).toBeLessThanOrEqual(Date.now() + 720_000);
  });

  test('is asked for with the scope that the entitlement leaves', async () => {
    const { judge, provider, order } = await openedGcp();
    const scope = ['https://www.googleapis.com/auth/devstorage.read_only'];
    await provider.mint(order({}, { scope }));
    await expect(provider.mint(order({}, { scope: ['not-a-scope'] }))).rejects.toMatchObject({
      code: 'upstream_denied',
    });
    expect(judge.faults).toEqual(['scope']);
  });
});

describe('a secret', () => {
  test('is read in its newest version, or in the one that is named', async () => {
    const { judge, provider, order } = await openedGcp();
    for (const version of ['latest', '4']) {
      const { material } = await provider.mint(order({ ...SECRET, version }));
      expect(material).toEqual({ values: { value: judge.secretValue }, version: '4' });
    }
    await expect(provider.mint(order({ ...SECRET, version: '3' }))).rejects.toMatchObject({
      code: 'upstream_not_found',
    });
  });

  test('is read as the service account, where one is named', async () => {
    const { judge, provider, order } = await openedGcp();
    await provider.mint(order({ ...SECRET, ...ACCOUNT }));
    expect(judge.log.at(-1)).toMatchObject({ method: 'AccessSecretVersion', principal: judge.serviceAccount });
  });

  test('in JSON has its members as values, and is refused where it is none', async () => {
    const { provider, order } = await openedGcp();
    await expect(provider.mint(order({ ...SECRET, format: 'json' }))).rejects.toMatchObject({
      code: 'upstream_answer_invalid',
      remedy: expect.stringContaining('format: text') as string,
    });
  });
});

describe('a refusal', () => {
  test.each([
    ['the service account', ACCOUNT, 'gcloud iam service-accounts add-iam-policy-binding reports@acme-prod'],
    ['the secret', SECRET, 'gcloud secrets add-iam-policy-binding ledger-key --project=acme-prod'],
  ])('of %s comes with the command that gives the right', async (_what, credential, command) => {
    const { judge, provider, order } = await openedGcp();
    judge.allow([]);
    await expect(provider.mint(order(credential))).rejects.toMatchObject({
      code: 'upstream_denied',
      remedy: expect.stringMatching(
        new RegExp(
          `^${command}.*--member="principal://iam\\.googleapis\\.com/projects/123456789012/locations/global/workloadIdentityPools/tallystick/subject/spiffe://acme\\.example/payments/close-batch"$`,
        ),
      ) as string,
    });
  });

  test('of one identity says nothing against the next: of its subject, or by the attribute condition', async () => {
    const { judge, provider, order } = await openedGcp();
    const long = identity(`payments/${'x'.repeat(120)}`);
    await expect(provider.mint(order({}, { identity: long }))).rejects.toMatchObject({
      code: 'upstream_denied',
      remedy: expect.stringContaining('127 bytes') as string,
    });
    judge.condition(({ sub }) => sub !== 'spiffe://acme.example/payments/close-batch');
    await expect(provider.mint(order({}))).rejects.toMatchObject({
      code: 'upstream_denied',
      remedy: expect.stringContaining('--attribute-condition') as string,
    });
    await expect(provider.mint(order({}, { identity: identity('payments/other') }))).resolves.toBeDefined();
  });

  test('of a key that was never published says so of the federation, until it is', async () => {
    const { federation, provider, order, judge } = await openedGcp();
    await writeFile(join(federation.dir, 'jwks.json'), '{"keys":[]}');
    await expect(provider.mint(order({}))).rejects.toMatchObject({
      code: 'upstream_login_refused',
      remedy: expect.stringContaining('publish the keys again') as string,
    });
    expect(judge.faults).toEqual(['subject_token: key']);
    await federation.publish();
    await expect(provider.mint(order({}))).resolves.toBeDefined();
  });

  test('is not what comes of a rotation: the key that signs next stands in the files already', async () => {
    const { federation, provider, order, judge } = await openedGcp();
    await provider.mint(order({}));
    const signers = await federation.keys.signers('federation');
    for (const signer of signers) await signer.rotate(async () => {});
    await expect(provider.mint(order({}))).resolves.toBeDefined();
    for (const signer of signers) {
      await expect(signer.rotate(async () => {})).rejects.toMatchObject({ code: 'rotation_too_soon' });
    }
    await federation.publish();
    await expect(provider.mint(order({}))).resolves.toBeDefined();
    expect(judge.faults).toEqual([]);
  });

  test('of a provider that Google does not know is one of the configuration', async () => {
    const audience = '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/other/providers/other';
    const { provider, order } = await openedGcp({ audience });
    await expect(provider.mint(order({}))).rejects.toMatchObject({
      code: 'upstream_login_refused',
      remedy: expect.stringContaining('"audience"') as string,
    });
  });
});

describe('a check', () => {
  test('tries the trust in the federation, and mints nothing', async () => {
    const { judge, provider, order } = await openedGcp();
    const signal = AbortSignal.timeout(10_000);
    const [, exchange] = await provider.check(order(ACCOUNT).wanted, signal);
    expect(exchange).toMatchObject({ ok: true, what: 'workload identity provider' });
    judge.condition(() => false);
    expect((await provider.check(order(ACCOUNT).wanted, signal))[1]).toMatchObject({ ok: true });
    expect(judge.log.map(({ method }) => method)).not.toContain('GenerateAccessToken');
  });

  test('says what to do where Google does not take our keys', async () => {
    const { federation, provider, order } = await openedGcp();
    await rm(join(federation.dir, 'jwks.json'));
    await writeFile(join(federation.dir, 'jwks.json'), '{"keys":[]}');
    const [, exchange] = await provider.check(order({}).wanted, AbortSignal.timeout(10_000));
    expect(exchange).toMatchObject({ ok: false, remedy: expect.stringContaining('--issuer-uri') as string });
  });
});

describe('the configuration', () => {
  const faultsOf = (credential: object): string[] => {
    const wanted = readAll(gcpKind.credential, { provider: 'gcp', ...credential }) as GcpWanted;
    const faults: string[] = [];
    gcpKind.judge!(wanted, undefined as never, [], ({ message }) => faults.push(message));
    return faults;
  };

  test('refuses lifetimes that Google does not give, or its libraries cannot use', () => {
    expect(faultsOf({ lifetime: '11m' })).toEqual([
      '"lifetime" is below 12m, twice what libraries of Google need left',
    ]);
    expect(faultsOf({ lifetime: '2h' })).toEqual(['"lifetime" is above the 1h of a federated token']);
    expect(faultsOf({ ...ACCOUNT, lifetime: '13h' })).toEqual(['"lifetime" is above the 12h that Google can give']);
    for (const good of [{ lifetime: '12m' }, { ...ACCOUNT, lifetime: '12h' }, { ...SECRET, lifetime: '10s' }, {}]) {
      expect(faultsOf(good)).toEqual([]);
    }
    expect(faultsOf({ scope: '' })).toHaveLength(1);
  });

  test('says how far a credential is bound, and what its consumers need left', () => {
    const describe = (credential: object) =>
      gcpKind.describe(
        readAll(gcpKind.credential, { provider: 'gcp', ...credential }) as GcpWanted,
        undefined as never,
      );
    expect(describe(ACCOUNT)).toMatchObject({ type: 'gcp', binding: 'none', holders: 'shared', floorMs: 360_000 });
    expect(describe(SECRET)).toMatchObject({ type: 'secret', binding: 'none', holders: 'shared' });
  });
});
