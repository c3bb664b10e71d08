import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { JWT_TYPE, TallystickError } from '@tallystick/core';
import { thumbprint } from '@tallystick/dpop';
import fc from 'fast-check';
import { CompactSign, EmbeddedJWK, compactVerify } from 'jose';
import { describe, expect, test } from 'vitest';
import { verifyReply } from '../src/index.ts';
import { anyText } from './any-text.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const JWK = publicKey.export({ format: 'jwk' }) as Record<string, string>;
const KID = thumbprint(JWK);
const HEADER = { typ: JWT_TYPE.credential, alg: 'ES256', kid: KID, jwk: JWK };
const CLAIMS = '{"canary":1}';

function signed(header: unknown = HEADER, key: KeyObject = privateKey, claims: string | Uint8Array = CLAIMS): string {
  const input = [JSON.stringify(header), claims].map((part) => Buffer.from(part).toString('base64url')).join('.');
  const signature = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

function refused(jws: string): string {
  try {
    verifyReply(jws);
  } catch (error) {
    if (!TallystickError.is(error)) throw error;
    expect(error.code).toBe('protocol_error');
    expect(error.message).not.toContain('canary');
    return error.message;
  }
  throw new Error('it was accepted');
}

describe('a signed answer', () => {
  test('gives its claims, and the thumbprint of the key that signed', () => {
    expect(verifyReply(signed())).toEqual({ signedBy: KID, claims: CLAIMS });
  });

  test('is a JWS to jose, and that of jose is one here', async () => {
    await compactVerify(signed(), EmbeddedJWK as never);
    const made = await new CompactSign(Buffer.from(CLAIMS)).setProtectedHeader(HEADER as never).sign(privateKey);
    expect(verifyReply(made).signedBy).toBe(KID);
  });
});

describe('what is refused', () => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  test('the signature of another key', () => {
    expect(refused(signed(HEADER, other.privateKey))).toContain('does not hold');
  });

  test('the name of another key', () => {
    const jwk = other.publicKey.export({ format: 'jwk' });
    expect(refused(signed({ ...HEADER, jwk }, other.privateKey))).toContain('"kid"');
  });

  test.each([
    ['the type of a token', { ...HEADER, typ: JWT_TYPE.accessToken }],
    ['no type', { ...HEADER, typ: undefined }],
    ['the type in capitals', { ...HEADER, typ: JWT_TYPE.credential.toUpperCase() }],
    ['none', { ...HEADER, alg: 'none' }],
    ['HS256', { ...HEADER, alg: 'HS256' }],
    ['crit', { ...HEADER, crit: ['b64'], b64: false }],
    ['x5c', { ...HEADER, x5c: [] }],
    ['no key', { ...HEADER, jwk: undefined }],
    ['a key off the curve', { ...HEADER, jwk: { ...JWK, x: JWK.y } }],
    ['a key of another curve', { ...HEADER, jwk: generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }) }],
    ['no header', null],
  ])('a header with %s', (_, header) => {
    refused(signed(header));
  });

  test('a signature in DER, cut, padded, or of zeros', () => {
    const [header, payload, mark = ''] = signed().split('.');
    const der = sign('sha256', Buffer.from(`${header}.${payload}`), privateKey).toString('base64url');
    for (const bad of [der, mark.slice(0, -2), `${mark}==`, '', Buffer.alloc(64).toString('base64url')]) {
      refused(`${header}.${payload}.${bad}`);
    }
  });

  test('claims that are not UTF-8, though signed', () => {
    expect(refused(signed(HEADER, privateKey, Buffer.from([0xff, 0xfe])))).toContain('UTF-8');
  });

  test('an answer with any one character changed, any text, and any three parts', () => {
    const jws = signed();
    fc.assert(
      fc.property(fc.nat(jws.length - 1), fc.stringMatching(/^[\w.-]$/), (at, character) => {
        fc.pre(jws[at] !== character);
        refused(jws.slice(0, at) + character + jws.slice(at + 1));
      }),
    );
    fc.assert(fc.property(anyText, (text) => void refused(text)));
    const part = fc.oneof(
      fc.base64String(),
      fc.json().map((json) => Buffer.from(json).toString('base64url')),
    );
    fc.assert(fc.property(fc.array(part, { maxLength: 4 }), (parts) => void refused(parts.join('.'))));
  });
});
