import { expect, test } from 'vitest';
import { ACCESS_KEY, AUDIENCE, BROKER, credentialsFile, judgedProvider, ROLE } from './aws-provider.ts';

const { signal } = new AbortController();

const byFile = async (wanted: object) => {
  const judged = await judgedProvider({ method: 'file', path: credentialsFile() }, wanted);
  judged.judge.account.keys.set(ACCESS_KEY.id, { secretAccessKey: ACCESS_KEY.secret });
  judged.judge.account.roles.set(ROLE, { principals: [ACCESS_KEY.id] });
  const wantedRead = judged.order().wanted;
  return { ...judged, check: () => judged.provider.check(wantedRead, signal) };
};

test('a role is tried in a session that may do nothing', async () => {
  const { check, judge } = await byFile({ role: ROLE });
  expect(await check()).toEqual([
    { ok: true, what: 'login', message: 'the sidecar has keys of its own' },
    { ok: true, what: `role ${ROLE}`, message: 'the sidecar may assume it, with tags and source identity' },
  ]);
  expect(judge.sessions).toMatchObject([{ seconds: 900, sessionName: 'tallystick-check' }]);
  expect(JSON.parse(judge.sessions[0]!.policy!)).toMatchObject({ Statement: [{ Effect: 'Deny', Action: '*' }] });
});

test('a role that does not trust the sidecar is answered by what to paste into its trust policy', async () => {
  const { check, judge } = await byFile({ role: ROLE });
  judge.account.roles.clear();
  const [, found] = await check();
  expect(found).toMatchObject({
    ok: false,
    what: `role ${ROLE}`,
    message: '"aws-eu" answered AccessDenied to AssumeRole',
    remedy: expect.stringContaining(
      '"Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]',
    ) as string,
  });
});

test('a login that is refused ends the trial', async () => {
  const { provider, order } = await judgedProvider({ method: 'file', path: '/nowhere/credentials' }, { role: ROLE });
  expect(await provider.check(order().wanted, signal)).toEqual([
    {
      ok: false,
      what: 'login',
      message: '"auth.path" of "aws-eu" names a file that is not there',
      remedy: 'write it, or correct the path',
    },
  ]);
});

test('a secret that the sidecar reads for itself is read', async () => {
  const { check, judge } = await byFile({ secret: 'prod/ledger' });
  expect((await check())[1]).toMatchObject({
    ok: false,
    what: 'secret prod/ledger',
    remedy: expect.stringContaining('secretsmanager:GetSecretValue') as string,
  });
  judge.account.readers.add(ACCESS_KEY.id);
  judge.account.secrets.set('prod/ledger', [{ id: 'a'.repeat(32), stages: ['AWSCURRENT'], text: '{}' }]);
  expect((await check())[1]).toEqual({ ok: true, what: 'secret prod/ledger', message: 'the sidecar may read it' });
});

test('a federation is tried without a role that trusts the sidecar, and a missing provider is named', async () => {
  const { provider, judge, order, federation } = await judgedProvider({ method: 'web-identity' }, { role: ROLE });
  const { wanted } = order();
  const [files, missing] = await provider.check(wanted, signal);
  expect(files).toEqual({
    ok: true,
    what: `federation ${judge.url}`,
    message: 'its files have the key that signs now',
  });
  expect(missing).toMatchObject({ ok: false, remedy: expect.stringContaining('OpenID Connect provider') as string });
  judge.account.provider = { issuer: federation.issuer, jwks: federation.jwks, audience: AUDIENCE };
  expect(await provider.check(wanted, signal)).toMatchObject([{ ok: true }, { ok: true }]);
  judge.files.clear();
  expect(await provider.check(wanted, signal)).toMatchObject([{ ok: false }, { ok: true }]);
  expect(judge.sessions).toEqual([]);
});

test('the role to go by is tried first', async () => {
  const { provider, judge, order, federation } = await judgedProvider(
    { method: 'web-identity', role: BROKER },
    { role: ROLE },
  );
  judge.account.provider = { issuer: federation.issuer, jwks: federation.jwks, audience: AUDIENCE };
  expect(await provider.check(order().wanted, signal)).toMatchObject([{ ok: true }, { ok: false, what: 'login' }]);
  judge.account.roles.set(BROKER, { subjects: () => true });
  judge.account.roles.set(ROLE, { principals: [BROKER] });
  expect(await provider.check(order().wanted, signal)).toMatchObject([{ ok: true }, { ok: true }, { ok: true }]);
});
