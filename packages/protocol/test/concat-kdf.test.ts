import { createECDH } from 'node:crypto';
import { expect, test } from 'vitest';
import { concatKdf } from '../src/concat-kdf.ts';
import { CURVE, pointOf } from '../src/p256-key.ts';

/** RFC 7518 Appendix C. */
const ALICE = {
  kty: 'EC',
  crv: 'P-256',
  x: 'gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0',
  y: 'SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps',
} as const;
const BOB = 'VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw';

test('derives the key of RFC 7518 Appendix C', () => {
  const bob = createECDH(CURVE);
  bob.setPrivateKey(Buffer.from(BOB, 'base64url'));
  const secret = bob.computeSecret(pointOf(ALICE));
  expect([...secret.subarray(0, 4)]).toEqual([158, 86, 217, 29]);
  const key = concatKdf(secret, { enc: 'A128GCM', bits: 128, apu: 'Alice', apv: 'Bob' });
  expect(key.toString('base64url')).toBe('VqqN6vgjbSBcIijNcacQGg');
});
