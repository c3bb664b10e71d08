import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';
import { expect, test } from 'vitest';
import { concatKdf } from '../src/concat-kdf.ts';

/** RFC 7518 Appendix C. */
const ALICE = {
  kty: 'EC',
  crv: 'P-256',
  x: 'gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0',
  y: 'SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps',
} as const;
const BOB = {
  kty: 'EC',
  crv: 'P-256',
  x: 'weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ',
  y: 'e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck',
  d: 'VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw',
} as const;

test('derives the key of RFC 7518 Appendix C', () => {
  const secret = diffieHellman({
    privateKey: createPrivateKey({ key: BOB, format: 'jwk' }),
    publicKey: createPublicKey({ key: ALICE, format: 'jwk' }),
  });
  expect([...secret.subarray(0, 4)]).toEqual([158, 86, 217, 29]);
  const key = concatKdf(secret, { enc: 'A128GCM', bits: 128, apu: 'Alice', apv: 'Bob' });
  expect(key.toString('base64url')).toBe('VqqN6vgjbSBcIijNcacQGg');
});
