import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { describe, expect, test } from 'vitest';
import { parseKeySet, selectKey } from '../src/key-set.ts';

const pair = await generateKeyPair('ES256', { extractable: true });
const ec = { ...(await exportJWK(pair.publicKey)), kid: 'a' } as JWK;
const other = { ...(await exportJWK((await generateKeyPair('ES256')).publicKey)), kid: 'b' } as JWK;
const rsa = { ...(await exportJWK((await generateKeyPair('RS256')).publicKey)), kid: 'r' } as JWK;

describe('a JWK Set', () => {
  test.each<[string, JWK]>([
    ['RFC 7517 §4.2: is for encryption', { ...ec, use: 'enc' }],
    ['RFC 7517 §4.3: may not verify', { ...ec, key_ops: ['sign'] }],
    ['RFC 7517 §4.4: is for an algorithm that no token has', { ...ec, alg: 'HS256' }],
    ['RFC 7517 §9.2: is symmetric', { kty: 'oct', k: 'AAAA', kid: 'a' }],
    ['has its private half with it', { ...ec, d: 'AAAA' }],
    ['is of an unknown kind', { kty: 'AKP', kid: 'a' } as JWK],
    ['lacks a coordinate', { kty: 'EC', crv: 'P-256', x: ec.x! }],
  ])('leaves out a key that %s', (_why, jwk) => {
    expect(parseKeySet({ keys: [jwk, other] }).map(({ kid }) => kid)).toEqual(['b']);
  });

  test('keeps the object of a key that is published again, and no other', () => {
    const before = parseKeySet({ keys: [ec, other] });
    const after = parseKeySet({ keys: [other, { ...ec, kid: 'c' }, rsa] }, before);
    expect(after[0]).toBe(before[1]);
    expect(before).not.toContain(after[1]);
  });

  test.each([undefined, null, 1, 'x', {}, { keys: {} }])('%j is none', (value) => {
    expect(() => parseKeySet(value)).toThrow(TypeError);
  });

  test('may hold things that are no keys, which are left out', () => {
    expect(parseKeySet({ keys: [null, 1, 'x', {}, { kty: 1 }] })).toEqual([]);
  });
});

describe('the key that a header means', () => {
  test('has its kid, and takes its algorithm', () => {
    const keys = parseKeySet({ keys: [ec, other, rsa] });
    expect(selectKey(keys, { alg: 'ES256', kid: 'a' })?.kid).toBe('a');
    expect(selectKey(keys, { alg: 'ES256', kid: 'r' })).toBeUndefined();
    expect(selectKey(keys, { alg: 'ES384', kid: 'a' })).toBeUndefined();
    expect(selectKey(keys, { alg: 'PS256', kid: 'r' })?.kid).toBe('r');
  });

  test('RFC 7517 §4.4: is for that algorithm alone where it says so', () => {
    const keys = parseKeySet({ keys: [{ ...rsa, alg: 'RS256' }] });
    expect(selectKey(keys, { alg: 'RS256', kid: 'r' })?.kid).toBe('r');
    expect(selectKey(keys, { alg: 'PS256', kid: 'r' })).toBeUndefined();
  });

  test('is the only one that fits where the header has no kid, and none where two do', () => {
    expect(selectKey(parseKeySet({ keys: [ec, rsa] }), { alg: 'ES256', kid: undefined })?.kid).toBe('a');
    expect(selectKey(parseKeySet({ keys: [ec, other] }), { alg: 'ES256', kid: undefined })).toBeUndefined();
  });

  test('is none where two have its kid', () => {
    const keys = parseKeySet({ keys: [ec, { ...other, kid: 'a' }] });
    expect(selectKey(keys, { alg: 'ES256', kid: 'a' })).toBeUndefined();
  });
});
