import { expect, test } from 'vitest';
import { connected, sidecar } from './setup.ts';
import { CLOSE_BATCH } from './fake-sidecar.ts';

test('an identity tells who the sidecar says we are', async () => {
  const fake = await sidecar();
  const identity = await connected(fake);
  expect(identity.id).toBe(CLOSE_BATCH.id);
  expect(identity.owner).toBe('team-payments');
  const credential = await identity.credential('ledger-api', 'access-token');
  expect(credential.audience).toBe('https://ledger.acme.example');
  expect(fake.mints).toBe(1);
});
