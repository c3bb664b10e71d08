import { expect, test } from 'vitest';
import { awsCredentials } from '../../src/aws.ts';
import { credentialProvider } from '../../src/aws/credential-provider.ts';
import { CLOSE_BATCH, sealedCredential, type FakeSidecar } from '../fake-sidecar.ts';
import { manualTime } from '../manual-time.ts';
import { connected, sidecar } from '../setup.ts';

const KEYS = {
  accessKeyId: 'ASIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'canary-1',
  sessionToken: 'canary-2',
  accountId: '123456789012',
};

async function upstream(more: object = {}, material: object = {}): Promise<FakeSidecar> {
  const credentials = [...CLOSE_BATCH.credentials, sealedCredential('ledger-files', 'aws')];
  return sidecar({
    identities: [{ ...CLOSE_BATCH, credentials }],
    making: () => ({ material: { ...KEYS, ...material }, binding: 'sigv4' }),
    ...more,
  });
}

test('a client is given what its requests are signed with, to ask again in a minute', async () => {
  const time = manualTime();
  const identity = await connected(await upstream({ clock: time.clock }), time);
  const give = credentialProvider(time.clock, identity, 'ledger-files');
  expect(await give()).toEqual({ ...KEYS, expiration: new Date(time.clock.nowMs() + 360_000) });
  time.advance(60_000);
  expect(await give()).toEqual({ ...KEYS, expiration: new Date(time.clock.nowMs() + 360_000) });
});

test('what a client is given never ends later than its lease', async () => {
  const time = manualTime();
  const fake = await upstream({ clock: time.clock });
  const identity = await connected(fake, time);
  const give = credentialProvider(time.clock, identity, 'ledger-files');
  await give();
  const { expiresAt } = await identity.credential('ledger-files', 'aws');
  // Nothing replaces it.
  await fake.stop();
  time.advance(expiresAt.getTime() - time.clock.nowMs() - 359_000);
  expect((await give()).expiration).toEqual(expiresAt);
});

test('it is asked of the sidecar once, and given from memory', async () => {
  const fake = await upstream();
  const give = awsCredentials(await connected(fake), 'ledger-files');
  const given = await Promise.all([give(), give(), give()]);
  expect(fake.mints).toBe(1);
  // The SDK of AWS writes into what it is given.
  expect(new Set(given).size).toBe(3);
  expect(given.some((one) => Object.isFrozen(one))).toBe(false);
});

test('what is revoked is not given any more', async () => {
  const fake = await upstream();
  const identity = await connected(fake);
  const give = awsCredentials(identity, 'ledger-files');
  await give();
  await fake.until(() => fake.streams === 1);
  fake.options.making = () => {
    throw new Error('asked again');
  };
  const watch = identity.watch('ledger-files', 'aws')[Symbol.asyncIterator]();
  await watch.next();
  fake.revoke(...fake.leases);
  await expect(watch.next()).rejects.toMatchObject({ code: 'credential_revoked' });
  await expect(give()).rejects.toThrow();
});

test('an account that the upstream does not say is left out', async () => {
  const give = awsCredentials(await connected(await upstream({}, { accountId: '' })), 'ledger-files');
  expect(Object.keys(await give())).not.toContain('accountId');
});

test('a credential of another type is refused in words', async () => {
  const give = awsCredentials(await connected(await upstream()), 'ledger-api');
  await expect(give()).rejects.toMatchObject({ code: 'credential_type_mismatch' });
});
