import { expect, test } from 'vitest';
import { awsKind } from '../../../src/providers/aws.ts';
import { BROKER, configured, ROLE } from './aws-provider.ts';

const FILE = { method: 'file', path: '/etc/tallystick/aws-credentials' };
const WEB = { method: 'web-identity' };
const CHAINED = { ...WEB, role: BROKER };

const mistakes = (auth: object, wanted: object): string[] =>
  configured({ auth }, wanted).faults.map(({ message }) => message);

test.each<[string, object, object]>([
  ['a role by a web identity', WEB, { role: ROLE }],
  ['a role by an access key', FILE, { role: ROLE, externalId: 'acme-42', lifetime: '12h' }],
  [
    'a role by another role',
    CHAINED,
    { role: ROLE, lifetime: '1h', policyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'] },
  ],
  ['a secret by an access key', FILE, { secret: 'prod/ledger', stage: 'AWSPENDING' }],
  ['a secret that a role reads', WEB, { secret: 'prod/ledger', role: ROLE, lifetime: '2m' }],
])('%s is configured without a mistake', (_what, auth, wanted) => {
  expect(mistakes(auth, wanted)).toEqual([]);
});

test.each<[object, object, string]>([
  [{ method: 'file' }, { role: ROLE }, '"auth" lacks "path"'],
  [{ ...FILE, ...WEB }, { role: ROLE }, '"auth" has a "path" that web-identity does not read'],
  [{ ...WEB, role: 'broker' }, { role: ROLE }, '"role" is not the ARN of a role'],
  [WEB, {}, '"ledger" lacks "role"'],
  [WEB, { secret: 'prod/ledger' }, '"ledger" lacks "role"'],
  [WEB, { role: 'arn:aws:iam::1:role/x' }, '"role" is not the ARN of a role'],
  [WEB, { role: ROLE, version: 'a'.repeat(32) }, '"version" is of a secret, and there is none'],
  [WEB, { role: ROLE, secret: 'x', version: 'a'.repeat(32), stage: 'X' }, '"stage" stands beside "version"'],
  [FILE, { secret: 'x', externalId: 'acme' }, '"externalId" is of the session of a role, and there is none'],
  [FILE, { secret: 'x', policy: '{}' }, '"policy" is of the session of a role, and there is none'],
  [WEB, { role: ROLE, externalId: 'acme' }, '"externalId" cannot be sent with a web identity'],
  [WEB, { role: ROLE, policy: 'allow all' }, '"policy" is not a session policy: it is no JSON'],
  [WEB, { role: ROLE, policy: `{"a":"${'x'.repeat(2048)}"}` }, '"policy" is not a session policy'],
  [WEB, { role: ROLE, lifetime: '15m' }, '"lifetime" is below twice the 20m that clients of AWS want left'],
  [WEB, { role: ROLE, lifetime: '13h' }, '"lifetime" is above the 12h that a session can have'],
  [CHAINED, { role: ROLE, lifetime: '2h' }, '"lifetime" is above the 1h of a role that another assumes'],
])('of %j and %j it is said: %s', (auth, wanted, message) => {
  expect(mistakes(auth, wanted)).toEqual([message]);
});

test.each(['http://sts.acme.example', 'https://sts.acme.example/path', 'ftp://x', 'https://'])(
  'the endpoint %s is refused: keys do not go there',
  (sts) => {
    const { faults } = configured({ auth: WEB, endpoints: { sts } }, { role: ROLE });
    expect(faults.map(({ message }) => message)).toEqual([
      expect.stringContaining('"sts" is not the URL of an endpoint'),
    ]);
  },
);

test('a session says that requests are signed by it, and that its consumers need 20 minutes left', () => {
  const { settings, wanted } = configured({ auth: WEB }, { role: ROLE });
  expect(awsKind.describe(wanted, settings)).toEqual({
    type: 'aws',
    binding: 'sigv4',
    holders: 'shared',
    defaultLifetimeMs: 3_600_000,
    floorMs: 1_200_000,
  });
});

test('a secret says that it is bearer', () => {
  const { settings, wanted } = configured({ auth: FILE }, { secret: 'prod/ledger' });
  expect(awsKind.describe(wanted, settings)).toMatchObject({ type: 'secret', binding: 'none' });
});

test('only a web identity needs a federation', () => {
  const needs = (auth: object) => awsKind.needsFederation!(configured({ auth }, { role: ROLE }).settings);
  expect([needs(WEB), needs(CHAINED), needs(FILE)]).toEqual([true, true, false]);
});
