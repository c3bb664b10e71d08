import { createPublicKey, createSecretKey, generateKeyPairSync, verify, type KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import {
  generateHolderKey,
  holderKey,
  isProofAlgorithm,
  PROOF_ALGORITHMS,
  publicMembers,
  thumbprint,
  type ProofAlgorithm,
} from '../src/index.ts';

describe('generateHolderKey', () => {
  test.each(PROOF_ALGORITHMS)('%s: a new key each time, its public half and thumbprint', async (alg) => {
    const [a, b] = [await generateHolderKey(alg), await generateHolderKey(alg)];
    expect(a.alg).toBe(alg);
    expect(a.jkt).toBe(thumbprint(a.publicJwk));
    expect(a.jkt).not.toBe(b.jkt);
    expect(publicMembers({ ...a.publicJwk })).toEqual(a.publicJwk);
  });

  test('is ES256 unless told otherwise', async () => {
    expect((await generateHolderKey()).alg).toBe('ES256');
  });

  test.each(['none', 'HS256', 'RS256', 'EdDSA', '__proto__', 'toString', ''])(
    'symmetric, none and unknown algorithms are impossible: %j',
    async (alg) => {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      await expect(generateHolderKey(alg as ProofAlgorithm)).rejects.toThrow(TypeError);
      expect(() => holderKey(privateKey, alg as ProofAlgorithm)).toThrow(TypeError);
      expect(isProofAlgorithm(alg)).toBe(false);
    },
  );
});

describe('holderKey', () => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  test.each<[what: string, key: KeyObject, alg: ProofAlgorithm]>([
    ['a public key', ec.publicKey, 'ES256'],
    ['a symmetric key', createSecretKey(Buffer.alloc(32)), 'ES256'],
    ['a P-256 key', ec.privateKey, 'ES384'],
    ['a P-256 key', ec.privateKey, 'Ed25519'],
    ['a P-256 key', ec.privateKey, 'PS256'],
    ['a P-384 key', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey, 'ES256'],
    ['a secp256k1 key', generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey, 'ES256'],
    ['a key of a curve without a JWK', generateKeyPairSync('ec', { namedCurve: 'secp224r1' }).privateKey, 'ES256'],
    ['an Ed448 key', generateKeyPairSync('ed448').privateKey, 'Ed25519'],
    ['an X25519 key', generateKeyPairSync('x25519').privateKey, 'Ed25519'],
    ['an RSA key of 1024 bits', generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey, 'PS256'],
    [
      'an RSA key with the exponent 3',
      generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).privateKey,
      'PS256',
    ],
    [
      'an RSA key for PSS with its own parameters',
      generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey,
      'PS256',
    ],
  ])('refuses %s for %3$s', (_what, key, alg) => {
    expect(() => holderKey(key, alg)).toThrow(TypeError);
  });

  test('signs text and bytes alike, in the form of JWS', () => {
    const key = holderKey(ec.privateKey, 'ES256');
    for (const data of ['header.payload', Buffer.from('header.payload')]) {
      const signature = key.sign(data);
      expect(signature).toHaveLength(64);
      expect(verify('sha256', Buffer.from(data), { key: ec.publicKey, dsaEncoding: 'ieee-p1363' }, signature)).toBe(
        true,
      );
    }
  });

  test('shows its private half in no member, print, JSON or clone', () => {
    const key = holderKey(ec.privateKey, 'ES256');
    const { d } = ec.privateKey.export({ format: 'jwk' });
    const pkcs8 = ec.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
    for (const text of [
      inspect(key, { showHidden: true, depth: null }),
      JSON.stringify(key),
      JSON.stringify(structuredClone({ ...key })),
    ]) {
      expect(text).not.toContain(d!);
      expect(text).not.toContain(pkcs8);
      expect(text).not.toMatch(/"?\bd"?:/);
    }
    expect(Object.keys(key).sort()).toEqual(['alg', 'jkt', 'publicJwk']);
    expect(() => structuredClone(key)).not.toThrow();
  });

  test('cannot be changed: key and thumbprint stay together', () => {
    const key = holderKey(ec.privateKey, 'ES256');
    expect(Object.isFrozen(key) && Object.isFrozen(key.publicJwk)).toBe(true);
    expect(createPublicKey({ key: { ...key.publicJwk }, format: 'jwk' }).equals(ec.publicKey)).toBe(true);
  });
});

describe('publicMembers: RFC 7638 §3.2', () => {
  test('takes the members that define the key, and leaves the private ones', () => {
    expect(publicMembers({ kty: 'EC', crv: 'P-256', x: 'AA', y: 'BB', d: 'CC', kid: '1' })).toEqual({
      kty: 'EC',
      crv: 'P-256',
      x: 'AA',
      y: 'BB',
    });
    expect(publicMembers({ kty: 'OKP', crv: 'Ed25519', x: 'AA', d: 'CC' })).toEqual({
      kty: 'OKP',
      crv: 'Ed25519',
      x: 'AA',
    });
    expect(publicMembers({ kty: 'RSA', n: 'AA', e: 'AQAB', d: 'CC', p: 'DD' })).toEqual({
      kty: 'RSA',
      n: 'AA',
      e: 'AQAB',
    });
  });

  test.each([
    {},
    { kty: 'oct', k: 'AA' },
    { kty: 'EC', crv: 'P-256', x: 'AA' },
    { kty: 'EC', crv: 'P-256', x: 'AA', y: 1 },
    { kty: 'OKP', x: 'AA' },
    { kty: 'RSA', n: '', e: 'AQAB' },
    // What JSON would escape has no place in the text that is hashed
    { kty: 'RSA', n: 'A"', e: 'AQAB' },
    { kty: 'RSA', n: 'AA=', e: 'AQAB' },
  ])('refuses %j', (jwk) => {
    expect(() => publicMembers(jwk)).toThrow(TypeError);
    expect(() => thumbprint(jwk)).toThrow(TypeError);
  });
});
