import { randomBytes } from 'node:crypto';
import { TallystickError } from '@tallystick/core';
import fc from 'fast-check';
import { CompactEncrypt, compactDecrypt, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import { describe, expect, test } from 'vitest';
import { createOneTimeKey, seal, type P256Key } from '../src/index.ts';
import { anyText } from './any-text.ts';
import { refusal } from './throws.ts';

const TEXT = 'header.canary-payload.signature';

/** Seals as jose does, with what a test changes in the header. */
async function joseSealed(to: P256Key, header: Record<string, unknown> = {}, text = TEXT): Promise<string> {
  return new CompactEncrypt(Buffer.from(text))
    .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', cty: 'JWT', ...header })
    .encrypt(await importJWK(to as JWK, 'ECDH-ES'));
}

/** Returns a sealed answer with another header. Its tag cannot hold, but no refusal may come so late. */
function reheaded(sealed: string, change: (header: Record<string, unknown>) => unknown): string {
  const [header = '', ...rest] = sealed.split('.');
  const changed = change(JSON.parse(Buffer.from(header, 'base64url').toString()) as Record<string, unknown>);
  return [Buffer.from(JSON.stringify(changed)).toString('base64url'), ...rest].join('.');
}

describe('a sealed answer', () => {
  test('is opened by the key it was sealed to, whatever its text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 2000 }), (text) => {
        const key = createOneTimeKey();
        expect(key.open(seal(text, key.jwk))).toBe(text);
      }),
    );
  });

  test('is a JWE to jose, for every shape of shared secret', async () => {
    for (let i = 0; i < 300; i++) {
      const { publicKey, privateKey } = await generateKeyPair('ECDH-ES', { crv: 'P-256', extractable: true });
      const { x, y } = await exportJWK(publicKey);
      const sealed = seal(TEXT, { kty: 'EC', crv: 'P-256', x: x!, y: y! });
      const { plaintext, protectedHeader } = await compactDecrypt(sealed, privateKey);
      expect(Buffer.from(plaintext).toString()).toBe(TEXT);
      expect(Object.keys(protectedHeader).sort()).toEqual(['alg', 'cty', 'enc', 'epk']);
    }
  });

  test('of jose is opened, for every shape of shared secret', async () => {
    for (let i = 0; i < 300; i++) {
      const key = createOneTimeKey();
      expect(key.open(await joseSealed(key.jwk))).toBe(TEXT);
    }
  });

  test('never has the same sender or ciphertext twice', () => {
    const { jwk } = createOneTimeKey();
    const parts = Array.from({ length: 50 }, () => seal(TEXT, jwk).split('.'));
    for (const i of [0, 2, 3, 4]) expect(new Set(parts.map((part) => part[i])).size).toBe(50);
  });
});

describe('what is refused, and tells nothing', () => {
  const key = createOneTimeKey();
  const sealed = seal(TEXT, key.jwk);

  function refused(text: string, opener = key): string {
    try {
      opener.open(text);
    } catch (error) {
      if (!TallystickError.is(error)) throw error;
      expect(error.code).toBe('protocol_error');
      expect(error.cause).toBeUndefined();
      expect(error.message).not.toContain('canary');
      return error.message;
    }
    throw new Error('it was opened');
  }

  test('an answer to another key', () => {
    expect(refused(sealed, createOneTimeKey())).toContain('does not open with the key of this request');
  });

  test('an answer with any one character changed', () => {
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.stringMatching(/^[\w.-]$/), (at, character) => {
        fc.pre(sealed[at] !== character);
        refused(sealed.slice(0, at) + character + sealed.slice(at + 1));
      }),
    );
  });

  test('an answer cut anywhere, or with more at its end', () => {
    for (let length = 0; length < sealed.length; length++) refused(sealed.slice(0, length));
    for (const more of ['A', '=', ' ', '\n', '.', '.A']) refused(sealed + more);
  });

  test('any text, and any five parts', () => {
    fc.assert(fc.property(anyText, (text) => void refused(text)));
    const part = fc.oneof(
      fc.base64String(),
      fc.json().map((json) => Buffer.from(json).toString('base64url')),
    );
    fc.assert(fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => void refused(parts.join('.'))));
  });

  test.each([
    ['null', () => null],
    ['a list', () => []],
    ['text', () => 'A256GCM'],
    ['another algorithm', (h: object) => ({ ...h, alg: 'ECDH-ES+A256KW' })],
    ['dir', (h: object) => ({ ...h, alg: 'dir' })],
    ['another cipher', (h: object) => ({ ...h, enc: 'A128GCM' })],
    ['no content type', (h: object) => ({ ...h, cty: undefined })],
    ['zip', (h: object) => ({ ...h, zip: 'DEF' })],
    ['crit', (h: object) => ({ ...h, crit: ['exp'], exp: 1 })],
    ['apu', (h: object) => ({ ...h, apu: 'QWxpY2U' })],
    ['kid', (h: object) => ({ ...h, kid: '1' })],
    ['a member of its own', (h: object) => ({ ...h, 'x-canary': 1 })],
    ['no sender', (h: object) => ({ ...h, epk: undefined })],
    ['null as sender', (h: object) => ({ ...h, epk: null })],
    ['a sender of another curve', (h: object) => ({ ...h, epk: { kty: 'EC', crv: 'P-384', x: 'A', y: 'A' } })],
    ['a sender off the curve', (h: object) => ({ ...h, epk: { ...key.jwk, y: key.jwk.x } })],
    ['the origin as sender', (h: object) => ({ ...h, epk: { ...key.jwk, x: ZERO, y: ZERO } })],
    ['a coordinate with stray bits', (h: object) => ({ ...h, epk: { ...key.jwk, x: strayBits(key.jwk.x) } })],
    ['a short coordinate', (h: object) => ({ ...h, epk: { ...key.jwk, x: key.jwk.x.slice(0, 42) } })],
  ] as const)('a header with %s, before any key is agreed on', (_, change) => {
    expect(refused(reheaded(sealed, change as never))).not.toContain('does not open');
  });

  test('zip and apu of jose, whose tags hold', async () => {
    for (const more of [{ zip: 'DEF' }, { apu: 'QWxpY2U' }, { kid: '1' }, { typ: 'JWT' }]) {
      let text: string;
      try {
        text = await joseSealed(key.jwk, more);
      } catch {
        // Not every version of jose makes all of them.
        continue;
      }
      refused(text);
    }
    const without = await new CompactEncrypt(Buffer.from(TEXT))
      .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM' })
      .encrypt(await importJWK(key.jwk as JWK, 'ECDH-ES'));
    expect(refused(without)).toContain('alone');
  });

  test.each([
    ['a short nonce', 2, 11],
    ['a long nonce', 2, 16],
    ['a short tag, which would be easier to forge', 4, 12],
    ['a long tag', 4, 17],
    ['no tag', 4, 0],
  ])('%s', (_, part, length) => {
    const parts = sealed.split('.');
    parts[part] = randomBytes(length).toString('base64url');
    expect(refused(parts.join('.'))).toContain('is not sealed with A256GCM');
  });

  test('a key off the curve to seal to', () => {
    for (const x of [key.jwk.y, ZERO]) {
      expect(refusal(() => seal(TEXT, { ...key.jwk, x }))).toBe('protocol_error');
    }
  });
});

test('a one-time key shows its public half alone', () => {
  const key = createOneTimeKey();
  expect(Object.keys(key.jwk).sort()).toEqual(['crv', 'kty', 'x', 'y']);
  expect(Object.keys(key).sort()).toEqual(['jwk', 'open', 'thumbprint']);
});

const ZERO = Buffer.alloc(32).toString('base64url');

/** Returns other text for the same 32 bytes: the last of 43 characters has two bits that count for nothing. */
function strayBits(coordinate: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return coordinate.slice(0, 42) + alphabet[alphabet.indexOf(coordinate[42]!) | 1];
}
