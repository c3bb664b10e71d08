import { expect, test } from 'vitest';
import { ACCESS_KEY, AUDIENCE, credentialsFile, judgedProvider, ROLE } from './aws-provider.ts';

const CURRENT = 'a'.repeat(32);
const PREVIOUS = 'b'.repeat(32);

const open = async (wanted: object = { secret: 'prod/ledger' }) => {
  const judged = await judgedProvider({ method: 'file', path: credentialsFile() }, wanted);
  const { account } = judged.judge;
  account.keys.set(ACCESS_KEY.id, { secretAccessKey: ACCESS_KEY.secret });
  account.readers.add(ACCESS_KEY.id);
  account.secrets.set('prod/ledger', [
    { id: CURRENT, stages: ['AWSCURRENT'], text: '{"username":"ledger","password":"canary-now","port":5432}' },
    { id: PREVIOUS, stages: ['AWSPREVIOUS'], text: '{"username":"ledger","password":"canary-before"}' },
  ]);
  return judged;
};

test('a secret is handed out by its members, with its version, for as long as is asked', async () => {
  const { provider, judge, order, time } = await open();
  const made = await provider.mint(order({ lifetimeMs: 900_000 }));
  expect(judge.refusals).toEqual([]);
  expect(made).toEqual({
    material: { values: { username: 'ledger', password: 'canary-now', port: '5432' }, version: CURRENT },
    expiresAtMs: time.nowMs() + 900_000,
    handles: { accessKeyId: ACCESS_KEY.id },
  });
});

test.each([
  [{ stage: 'AWSPREVIOUS' }, PREVIOUS],
  [{ version: PREVIOUS }, PREVIOUS],
])('%j chooses the version', async (chosen, version) => {
  const { provider, order } = await open({ secret: 'prod/ledger', ...chosen });
  await expect(provider.mint(order())).resolves.toMatchObject({ material: { version } });
});

test('a secret that is rotated is read anew', async () => {
  const { provider, judge, order } = await open();
  await provider.mint(order());
  const next = { id: 'c'.repeat(32), stages: ['AWSCURRENT'], text: '{"password":"canary-next"}' };
  judge.account.secrets.set('prod/ledger', [next]);
  await expect(provider.mint(order())).resolves.toMatchObject({ material: { values: { password: 'canary-next' } } });
});

test('a secret that is one text, or bytes, is handed out under the name that the store has for it', async () => {
  const { provider, judge, order } = await open({ secret: 'prod/ledger', format: 'text' });
  judge.account.secrets.set('prod/ledger', [{ id: CURRENT, stages: ['AWSCURRENT'], text: '{"a":1}' }]);
  await expect(provider.mint(order())).resolves.toMatchObject({ material: { values: { SecretString: '{"a":1}' } } });
  judge.account.secrets.set('prod/ledger', [{ id: CURRENT, stages: ['AWSCURRENT'], binary: 'AAEC' }]);
  await expect(provider.mint(order())).resolves.toMatchObject({ material: { values: { SecretBinary: 'AAEC' } } });
});

test('a role that reads a secret does so in a session of that lease, which is handed to nobody', async () => {
  const judged = await judgedProvider({ method: 'web-identity' }, { secret: 'prod/ledger', role: ROLE });
  const { provider, judge, order, federation } = judged;
  judge.account.provider = { issuer: federation.issuer, jwks: federation.jwks, audience: AUDIENCE };
  judge.account.roles.set(ROLE, { subjects: () => true });
  judge.account.readers.add(ROLE);
  judge.account.secrets.set('prod/ledger', [{ id: CURRENT, stages: ['AWSCURRENT'], text: '{"password":"canary"}' }]);
  const asked = order({ lifetimeMs: 7_200_000 });
  const made = await provider.mint(asked);
  const [session] = judge.sessions;
  expect(session).toMatchObject({
    sessionName: `${asked.leaseId}@payments+close-batch`,
    seconds: 900,
    tags: { 'tallystick-lease': asked.leaseId },
  });
  expect(judge.readings).toEqual([`prod/ledger@${session!.accessKeyId}`]);
  expect(made.handles).toEqual({ accessKeyId: session!.accessKeyId });
  expect(JSON.stringify(made.material)).not.toContain(judge.account.keys.get(session!.accessKeyId)!.secretAccessKey);
});

test.each<[string, object, string, string]>([
  ['a secret that is not there', { secret: 'prod/other' }, 'upstream_not_found', 'ResourceNotFoundException'],
  [
    'a version that is not there',
    { secret: 'prod/ledger', version: 'd'.repeat(32) },
    'upstream_not_found',
    'ResourceNotFoundException',
  ],
])('%s is not found', async (_what, wanted, code, said) => {
  const { provider, order } = await open(wanted);
  await expect(provider.mint(order())).rejects.toMatchObject({
    code,
    description: `"aws-eu" answered ${said} to GetSecretValue`,
  });
});

test.each<[string, object, object]>([
  ['with its namespace', {}, { __type: 'com.amazonaws.secretsmanager#ResourceNotFoundException' }],
  ['in a header', { 'x-amzn-errortype': 'ResourceNotFoundException:http://internal.amazon.com/' }, {}],
])('the code of an error is understood %s', async (_how, headers, body) => {
  const { provider, judge, order } = await open();
  judge.answerNext((response) => response.writeHead(400, { ...headers }).end(JSON.stringify(body)));
  await expect(provider.mint(order())).rejects.toMatchObject({ code: 'upstream_not_found' });
});

test('a secret that the sidecar may not read is denied', async () => {
  const { provider, judge, order } = await open();
  judge.account.readers.clear();
  await expect(provider.mint(order())).rejects.toMatchObject({ code: 'upstream_denied' });
});

test.each<[string, unknown]>([
  ['no version', { SecretString: '{"password":"canary"}' }],
  ['neither text nor bytes', { VersionId: CURRENT }],
  ['text that is no JSON', { VersionId: CURRENT, SecretString: 'canary' }],
  ['text that is a list', { VersionId: CURRENT, SecretString: '["canary"]' }],
  ['text that is null', { VersionId: CURRENT, SecretString: 'null' }],
  ['a list', ['canary']],
])('%s is no answer, and nothing of it is in the error', async (_what, answer) => {
  const { provider, judge, order } = await open();
  judge.answerNext((response) => response.end(JSON.stringify(answer)));
  const error = (await provider.mint(order()).catch((thrown: unknown) => thrown)) as Error;
  expect(error).toMatchObject({ code: 'upstream_answer_invalid' });
  expect(error.message).not.toContain('canary');
});

test('another version than was asked for is no answer', async () => {
  const { provider, judge, order } = await open({ secret: 'prod/ledger', version: PREVIOUS });
  judge.answerNext((response) => response.end(JSON.stringify({ VersionId: CURRENT, SecretString: '{}' })));
  await expect(provider.mint(order())).rejects.toMatchObject({ code: 'upstream_answer_invalid' });
});
