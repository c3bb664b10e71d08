import { decodeJwt } from 'jose';
import { expect, test } from 'vitest';
import { identity } from '../../acme.ts';
import { ACCESS_KEY, AUDIENCE, BROKER, credentialsFile, judgedProvider, ROLE, SIDECAR_ID } from './aws-provider.ts';
import { xmlError } from './sts-judge.ts';

const WEB = { method: 'web-identity' };
const SUBJECT = 'spiffe://acme.example/payments/close-batch';
const SOURCE_IDENTITY = 'payments+close-batch@acme.example';

const byWebIdentity = async (wanted: object = { role: ROLE }) => {
  const judged = await judgedProvider(WEB, wanted);
  const { judge, federation } = judged;
  judge.account.provider = { issuer: federation.issuer, jwks: federation.jwks, audience: AUDIENCE };
  judge.account.roles.set(ROLE, { subjects: (subject) => subject === SUBJECT });
  return judged;
};

const byFile = async (wanted: object = { role: ROLE }, auth: object = {}) => {
  const judged = await judgedProvider({ method: 'file', path: credentialsFile(), ...auth }, wanted);
  judged.judge.account.keys.set(ACCESS_KEY.id, { secretAccessKey: ACCESS_KEY.secret });
  judged.judge.account.roles.set(ROLE, { principals: [ACCESS_KEY.id], maxSeconds: 43_200 });
  return judged;
};

const byChain = async () => {
  const judged = await judgedProvider({ ...WEB, role: BROKER }, { role: ROLE });
  const { judge, federation } = judged;
  judge.account.provider = { issuer: federation.issuer, jwks: federation.jwks, audience: AUDIENCE };
  judge.account.roles.set(BROKER, {
    subjects: (subject) => subject === `spiffe://acme.example/tallystick/sidecar/${SIDECAR_ID}`,
    allows: [],
  });
  judge.account.roles.set(ROLE, { principals: [BROKER], maxSeconds: 43_200 });
  return judged;
};

const WAYS: [string, typeof byWebIdentity][] = [
  ['a web identity', byWebIdentity],
  ['an access key', byFile],
  ['another role', byChain],
];

test.each(WAYS)('by %s a session is made that names identity, owner, process, run and lease', async (_way, open) => {
  const { provider, judge, order, time } = await open();
  const asked = order();
  const made = await provider.mint(asked);
  const session = judge.sessions.at(-1)!;
  expect(judge.refusals).toEqual([]);
  expect(session).toMatchObject({
    role: ROLE,
    sessionName: `${asked.leaseId}@payments+close-batch`,
    seconds: 3600,
    sourceIdentity: SOURCE_IDENTITY,
    tags: {
      'tallystick-identity': SUBJECT,
      'tallystick-owner': 'team-payments',
      'tallystick-environment': 'production',
      'tallystick-process': 'BP-1042',
      'tallystick-run': '2026-11',
      'tallystick-lease': asked.leaseId,
    },
  });
  const keys = judge.account.keys.get(session.accessKeyId)!;
  expect(made).toEqual({
    material: {
      accessKeyId: session.accessKeyId,
      secretAccessKey: keys.secretAccessKey,
      sessionToken: keys.sessionToken,
      accountId: '123456789012',
    },
    expiresAtMs: keys.expiresAtMs,
    handles: { accessKeyId: session.accessKeyId },
  });
  expect(made.expiresAtMs).toBeLessThanOrEqual(time.nowMs() + 3_600_000);
});

test('a web identity is the identity itself, for five minutes, and no key of AWS signs for it', async () => {
  const { provider, judge, order, federation, time } = await byWebIdentity();
  await provider.mint(order());
  expect(judge.sessions).toMatchObject([{ subject: SUBJECT }]);
  const { aud, sub, iat, exp } = decodeJwt(federation.signed[0]!);
  expect({ aud, sub, iat, exp }).toEqual({
    aud: AUDIENCE,
    sub: SUBJECT,
    iat: Math.floor(time.nowMs() / 1000),
    exp: Math.floor(time.nowMs() / 1000) + 300,
  });
  expect(judge.received[0]!.headers.authorization).toBeUndefined();
});

test('an identity whose SPIFFE ID is longer than a subject can be is refused before anything is sent', async () => {
  const { provider, judge, order } = await byWebIdentity();
  const long = identity('x'.repeat(250));
  await expect(provider.mint(order({ identity: long }))).rejects.toMatchObject({
    code: 'upstream_denied',
    remedy: 'give the identity a shorter SPIFFE ID',
  });
  expect(judge.received).toEqual([]);
});

test('with an access key, one that long has its digest in the tags', async () => {
  const { provider, judge, order } = await byFile();
  await provider.mint(order({ identity: identity('x'.repeat(250)) }));
  expect(judge.sessions[0]!.tags['tallystick-identity']).toMatch(/^spiffe:\/\/acme\.example\/x+=[\w-]{22}$/);
});

test('a session lives as long as is asked, and what a role narrows goes along', async () => {
  const policy = '{"Version":"2012-10-17","Statement":[]}';
  const policyArns = ['arn:aws:iam::aws:policy/ReadOnlyAccess', 'arn:aws:iam::123456789012:policy/own'];
  const { provider, judge, order } = await byFile({ role: ROLE, policy, policyArns, externalId: 'acme:42' });
  judge.account.roles.set(ROLE, { principals: [ACCESS_KEY.id], maxSeconds: 43_200, externalId: 'acme:42' });
  await provider.mint(order({ lifetimeMs: 43_200_000 }));
  expect(judge.sessions).toMatchObject([{ seconds: 43_200, policy, policyArns }]);
});

test('the session by which roles are chained is shared, has no source identity and no tags, and is replaced ahead of its end', async () => {
  const { provider, judge, order, time } = await byChain();
  await Promise.all([provider.mint(order()), provider.mint(order()), provider.mint(order())]);
  time.advance(3_299_000);
  await provider.mint(order());
  const brokers = () => judge.sessions.filter(({ role }) => role === BROKER);
  expect(brokers()).toMatchObject([
    { sessionName: `tallystick@${SIDECAR_ID}`, seconds: 3600, sourceIdentity: undefined, tags: {} },
  ]);
  expect(judge.sessions).toHaveLength(5);
  time.advance(1_000);
  await provider.mint(order());
  expect(brokers()).toHaveLength(2);
});

test('a chained session is never asked for longer than the hour that AWS gives it', async () => {
  const { provider, judge, order } = await byChain();
  await provider.mint(order({ lifetimeMs: 43_200_000 }));
  expect(judge.sessions.at(-1)).toMatchObject({ role: ROLE, seconds: 3600 });
});

test('a session of ours that AWS has revoked is replaced at the next request', async () => {
  const { provider, judge, order } = await byChain();
  await provider.mint(order());
  judge.account.keys.delete(judge.sessions[0]!.accessKeyId);
  await expect(provider.mint(order())).rejects.toMatchObject({ code: 'upstream_login_refused' });
  await provider.mint(order());
  expect(judge.sessions.filter(({ role }) => role === BROKER)).toHaveLength(2);
});

test('a role to go by that does not trust the sidecar is a login that is refused, and no denial of the workload', async () => {
  const { provider, judge, order } = await byChain();
  judge.account.roles.delete(BROKER);
  await expect(provider.mint(order())).rejects.toMatchObject({
    code: 'upstream_login_refused',
    description: '"aws-eu" answered AccessDenied to AssumeRoleWithWebIdentity',
  });
});

test('a request that is given up lets those go on that wait for the same session of ours', async () => {
  const { provider, judge, order } = await byChain();
  const gaveUp = new AbortController();
  const first = provider.mint(order({ signal: gaveUp.signal }));
  const second = provider.mint(order());
  gaveUp.abort(new Error('gave up'));
  await expect(first).rejects.toThrow('gave up');
  await second;
  expect(judge.sessions.filter(({ role }) => role === BROKER)).toHaveLength(1);
});

test('an access key that is replaced in its file is used from then on', async () => {
  const path = credentialsFile('[prod]\naws_access_key_id = AKIAOLDOLDOLDOLDOLD1\naws_secret_access_key = old\n');
  const { provider, judge, order } = await byFile({ role: ROLE }, { path, profile: 'prod' });
  await expect(provider.mint(order())).rejects.toMatchObject({ code: 'upstream_login_refused' });
  judge.account.keys.set('AKIAOLDOLDOLDOLDOLD1', { secretAccessKey: 'old' });
  judge.account.roles.set(ROLE, { principals: ['AKIAOLDOLDOLDOLDOLD1'] });
  await provider.mint(order());
  expect(judge.sessions).toHaveLength(1);
});

test.each([
  ['', 'aws_access_key_id'],
  ['[default]\naws_access_key_id = AKIA\n', 'aws_secret_access_key'],
])('a file without a whole key is a login that is refused, and says what to write', async (text, remedy) => {
  const { provider, order } = await byFile({ role: ROLE }, { path: credentialsFile(text) });
  await expect(provider.mint(order())).rejects.toMatchObject({
    code: 'upstream_login_refused',
    remedy: expect.stringContaining(remedy) as string,
  });
});

test.each<[string, object, string, string]>([
  ['does not trust it', { principals: [] }, 'upstream_denied', 'AccessDenied'],
  [
    'refuses tags',
    { principals: [ACCESS_KEY.id], allows: ['sts:SetSourceIdentity'] },
    'upstream_denied',
    'AccessDenied',
  ],
  [
    'refuses a source identity',
    { principals: [ACCESS_KEY.id], allows: ['sts:TagSession'] },
    'upstream_denied',
    'AccessDenied',
  ],
  ['allows less time', { principals: [ACCESS_KEY.id], maxSeconds: 900 }, 'upstream_denied', 'ValidationError'],
])('a role that %s is told from other failures', async (_what, role, code, said) => {
  const { provider, judge, order } = await byFile();
  judge.account.roles.set(ROLE, role);
  await expect(provider.mint(order())).rejects.toMatchObject({
    code,
    description: `"aws-eu" answered ${said} to AssumeRole`,
  });
});

test('a policy that is too large is said to be', async () => {
  const policy = JSON.stringify({ Version: '2012-10-17', Statement: [{ Sid: 'x'.repeat(1900) }] });
  const policyArns = Array.from({ length: 10 }, (_, i) => `arn:aws:iam::123456789012:policy/${'x'.repeat(100)}${i}`);
  const { provider, order } = await byFile({ role: ROLE, policy, policyArns });
  await expect(provider.mint(order())).rejects.toMatchObject({
    code: 'upstream_denied',
    remedy: 'correct "policy" and "policyArns" of the credential, or make them shorter',
  });
});

test('a federation that the account does not know is a login that is refused', async () => {
  const { provider, judge, order } = await byWebIdentity();
  judge.account.provider = undefined;
  await expect(provider.mint(order())).rejects.toMatchObject({
    code: 'upstream_login_refused',
    description: '"aws-eu" answered InvalidIdentityToken to AssumeRoleWithWebIdentity',
  });
});

test.each([
  ['another audience', { audience: 'other' }],
  ['other keys', { jwks: { keys: [] } }],
  ['another issuer', { issuer: 'https://other.example' }],
])('a provider of the account with %s takes no token of ours', async (_what, changed) => {
  const { provider, judge, order } = await byWebIdentity();
  judge.account.provider = { ...judge.account.provider!, ...changed };
  await expect(provider.mint(order())).rejects.toMatchObject({ code: 'upstream_login_refused' });
});

test.each<[string, number, typeof byFile, string]>([
  ['signature', -301_000, byFile, 'SignatureDoesNotMatch'],
  ['signature', 301_000, byFile, 'SignatureDoesNotMatch'],
  ['token', -301_000, byWebIdentity, 'ExpiredTokenException'],
])('a %s of a clock that is %i ms off is refused, and the clock is named', async (_what, byMs, open, said) => {
  const { provider, judge, order, time } = await open();
  const real = time.nowMs();
  // The judge's clock is the same: it goes on when the request is here.
  const nowMs = time.nowMs.bind(time);
  Object.assign(time, { nowMs: () => (judge.received.length > 0 ? real : nowMs() + byMs) });
  await expect(provider.mint(order())).rejects.toMatchObject({
    code: 'upstream_login_refused',
    description: expect.stringContaining(said) as string,
    remedy: expect.stringContaining('set the clock of this machine') as string,
  });
});

test('a session ends for us no later than it was asked for, whatever the clock of AWS says', async () => {
  const { provider, judge, order, time } = await byFile();
  const real = time.nowMs();
  Object.assign(time, { nowMs: () => (judge.received.length > 0 ? real + 200_000 : real) });
  const { expiresAtMs } = await provider.mint(order());
  expect(expiresAtMs).toBe(real + 3_600_000);
});

test.each<[number, string, string]>([
  [400, 'Throttling', 'upstream_rate_limited'],
  [400, 'IDPCommunicationError', 'upstream_unavailable'],
  [403, 'IDPRejectedClaim', 'upstream_login_refused'],
  [403, 'RegionDisabledException', 'upstream_denied'],
  [403, 'InvalidClientTokenId', 'upstream_login_refused'],
  [500, 'InternalFailure', 'upstream_failed'],
  [503, 'ServiceUnavailable', 'upstream_unavailable'],
  [400, 'SomethingNew', 'upstream_answer_invalid'],
  [403, 'SomethingNew', 'upstream_denied'],
  [503, 'SomethingNew', 'upstream_unavailable'],
])('an answer %i %s is %s', async (status, code, expected) => {
  const { provider, judge, order } = await byFile();
  judge.answerNext((response) =>
    response.writeHead(status, { 'retry-after': '7' }).end(xmlError({ code, message: 'canary-body' })),
  );
  const error = await provider.mint(order()).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: expected });
  expect(String((error as Error).message)).not.toContain('canary');
});

test('the wait that AWS asks for is passed on', async () => {
  const { provider, judge, order } = await byFile();
  judge.answerNext((response) =>
    response.writeHead(400, { 'retry-after': '7' }).end(xmlError({ code: 'Throttling', message: 'Rate exceeded' })),
  );
  await expect(provider.mint(order())).rejects.toMatchObject({ retryAfterMs: 7000 });
});

const whole = (changed: Readonly<Record<string, string>>): string => {
  const members = {
    AccessKeyId: 'ASIAIOSFODNN7EXAMPLE',
    SecretAccessKey: 'canary-secret',
    SessionToken: 'canary-token',
    Expiration: '2026-11-22T13:00:00Z',
    Arn: 'arn:aws:sts::123456789012:assumed-role/ledger-writer/SESSION',
    ...changed,
  };
  const { Arn, ...credentials } = members;
  const inner = Object.entries(credentials).map(([name, value]) => `<${name}>${value}</${name}>`);
  return `<AssumeRoleResponse><AssumeRoleResult><AssumedRoleUser><Arn>${Arn}</Arn></AssumedRoleUser><Credentials>${inner.join('')}</Credentials></AssumeRoleResult></AssumeRoleResponse>`;
};

test.each<[string, string]>([
  ['a page of a proxy', '<html><body>Please log in</body></html>'],
  ['JSON', '{"AssumeRoleResponse":{}}'],
  ['nothing', ''],
  ['half an answer', whole({}).slice(0, 200)],
  ['the answer of another action', whole({}).replaceAll('AssumeRole', 'GetSessionToken')],
  ['no access key', whole({ AccessKeyId: '' })],
  ['an access key with a line break', whole({ AccessKeyId: 'ASIAIOSFODNN7\r\nX: y' })],
  ['a secret with a blank', whole({ SecretAccessKey: 'a b' })],
  ['no session token', whole({ SessionToken: '' })],
  ['no time', whole({ Expiration: 'tomorrow' })],
  ['a time that has passed', whole({ Expiration: '2026-11-22T11:59:00Z' })],
  ['a session of another name', whole({ Arn: 'arn:aws:sts::123456789012:assumed-role/ledger-writer/other' })],
])('%s is no session, and nothing of it is in the error', async (_what, body) => {
  const { provider, judge, order } = await byFile();
  const asked = order();
  const text = body.replace('/SESSION', `/${asked.leaseId}@payments+close-batch`);
  judge.answerNext((response) => response.writeHead(200).end(text));
  const error = (await provider.mint(asked).catch((thrown: unknown) => thrown)) as Error;
  expect(error).toMatchObject({ code: 'upstream_answer_invalid' });
  expect(error.message).not.toContain('canary');
});

test('the answer that those are changes of is a session', async () => {
  const { provider, judge, order } = await byFile();
  const asked = order();
  const text = whole({}).replace('/SESSION', `/${asked.leaseId}@payments+close-batch`);
  judge.answerNext((response) => response.writeHead(200).end(text));
  await expect(provider.mint(asked)).resolves.toMatchObject({ material: { accessKeyId: 'ASIAIOSFODNN7EXAMPLE' } });
});

test('nothing is ended or renewed at AWS, and the provider says so by having neither', async () => {
  const { provider } = await byFile();
  expect([provider.end, provider.renew]).toEqual([undefined, undefined]);
});
