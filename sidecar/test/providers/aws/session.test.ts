import { expect, test } from 'vitest';
import { parseSession, sessionClaims, type SessionOrder } from '../../../src/providers/aws/session.ts';

const ORDER: SessionOrder = {
  role: 'arn:aws:iam::123456789012:role/ledger-writer',
  sessionName: 'close-batch',
  durationSeconds: 3600,
  sourceIdentity: 'close-batch',
  tags: [{ key: 'team', value: 'payments' }],
  externalId: undefined,
  policy: undefined,
  policyArns: [],
};

const answer = (expiration: string): string =>
  `<AssumeRoleResponse><AssumeRoleResult>
    <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/ledger-writer/close-batch</Arn></AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
      <SessionToken>t</SessionToken><Expiration>${expiration}</Expiration>
    </Credentials>
  </AssumeRoleResult></AssumeRoleResponse>`;

test.each([
  ['2026-11-22T12:40:00Z', '2026-11-22T12:40:00.000Z', 'says less than was asked for'],
  ['2026-11-22T13:00:00.000Z', '2026-11-22T13:00:00.000Z', 'says what was asked for'],
  ['2026-11-22T13:04:00Z', '2026-11-22T13:00:00.000Z', 'has a clock that is ahead of ours'],
])('a session that AWS lets end at %s ends for us at %s: it %s', (expiration, expected) => {
  const asked = Date.parse('2026-11-22T12:00:00Z');
  const { expiresAtMs } = parseSession('aws-eu', 'AssumeRole', answer(expiration), ORDER, asked);
  expect(new Date(expiresAtMs).toISOString()).toBe(expected);
});

test('tags and source identity are claims of a token, each tag with one value in a list', () => {
  expect(sessionClaims(ORDER)).toEqual({
    'https://aws.amazon.com/tags': { principal_tags: { team: ['payments'] } },
    'https://aws.amazon.com/source_identity': 'close-batch',
  });
});

test('a session without them has no such claims', () => {
  expect(sessionClaims({ ...ORDER, tags: [], sourceIdentity: undefined })).toEqual({});
});
