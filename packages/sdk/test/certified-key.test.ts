import { Secret } from '@tallystick/core';
import { expect, test } from 'vitest';
import { CertifiedKeys, type CertifiedKey } from '../src/certified-key.ts';

/** Keys called key-1, key-2, …, whose certificate is their name. */
function numbered(): CertifiedKeys {
  let count = 0;
  return new CertifiedKeys(async (): Promise<CertifiedKey> => {
    const name = `key-${++count}`;
    return { applicant: { publicKey: name }, key: new Secret(name), fits: (certificate) => certificate === name };
  });
}

const asked = async (keys: CertifiedKeys): Promise<string | undefined> => (await keys.next()).applicant.publicKey;

test('each certificate has a key of its own', async () => {
  const keys = numbered();
  expect(await asked(keys)).toBe('key-1');
  expect(keys.certified('key-1').key.reveal()).toBe('key-1');
  expect(await asked(keys)).toBe('key-2');
  expect(keys.certified('key-2').key.reveal()).toBe('key-2');
});

test('a key whose certificate never came is asked for again: the sidecar may have made it', async () => {
  const keys = numbered();
  await keys.next();
  expect(await asked(keys)).toBe('key-1');
});

test('the certificate there is may come again, and then the next key still waits', async () => {
  const keys = numbered();
  await keys.next();
  keys.certified('key-1');
  await keys.next();
  expect(keys.certified('key-1').key.reveal()).toBe('key-1');
  expect(await asked(keys)).toBe('key-2');
});

test('a certificate of no key of ours is refused, also where we have one', async () => {
  const keys = numbered();
  expect(() => keys.certified('key-1')).toThrow(expect.objectContaining({ code: 'protocol_error' }));
  await keys.next();
  keys.certified('key-1');
  await keys.next();
  for (const certificate of ['key-0', 'key-3']) expect(() => keys.certified(certificate)).toThrow(/not for our key/);
});
