import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import {
  formatSignerKey,
  formatVkey,
  KEY_TYPE,
  logSigner,
  logVerifier,
  noteKey,
  parseSignerKey,
  parseVkey,
  publicNoteKey,
} from '../../src/index.ts';
import { c2sp } from './c2sp.ts';
import { faultOf } from './fault-of.ts';

const { go, signedNote, goSum, real } = c2sp;

describe('a vkey (signed-note, Verifier keys)', () => {
  test.each([signedNote.vkey, go.vkey, go.secondVkey, goSum.vkey, real.log, real.witness])('%s', (vkey) => {
    const key = parseVkey(vkey);
    expect(formatVkey(key)).toBe(vkey);
    expect(key.name).toBe(vkey.split('+')[0]);
    expect(key.id).toBe(parseInt(vkey.split('+')[1]!, 16));
  });

  test('has the type 0x01 of a log or 0x04 of a witness', () => {
    expect(parseVkey(real.log).type).toBe(KEY_TYPE.ed25519);
    expect(parseVkey(real.witness).type).toBe(KEY_TYPE.cosignature);
  });

  test('in part, or with any character another, is refused', () => {
    const bytes = Buffer.from(go.vkey);
    for (let from = 0; from < bytes.length; from += 1)
      for (let to = from; to <= bytes.length; to += 1)
        if (to - from < bytes.length) {
          expect(faultOf(() => parseVkey(bytes.toString('utf8', from, to)))).not.toBe('none');
        }
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at]! += 1;
      expect(faultOf(() => parseVkey(changed.toString('utf8')))).not.toBe('none');
    }
  });

  test.each(Object.entries(go.wrongKeys))('of %s is refused', (_what, vkey) => {
    expect(faultOf(() => parseVkey(vkey))).toMatch(/^key(_type)?$/);
  });

  test.each([
    ['an id in capitals', go.vkey.replace('c74f20a3', 'C74F20A3'), 'key'],
    ['an empty name', go.vkey.replace('PeterNeumann', ''), 'key'],
    ['a space in its name', go.vkey.replace('PeterNeumann', 'Peter Neumann'), 'key_name'],
    ['a line after it', `${go.vkey}\n`, 'key'],
    ['base64 without its padding', signedNote.vkey.slice(0, -1), 'key'],
    ['nothing after the id', 'PeterNeumann+c74f20a3+', 'key'],
  ] as const)('with %s is refused', (_what, vkey, fault) => expect(faultOf(() => parseVkey(vkey))).toBe(fault));
});

describe('the name of a key (signed-note, Format)', () => {
  const { publicKey } = generateKeyPairSync('ed25519');
  const faultOfName = (name: string) => faultOf(() => noteKey(name, KEY_TYPE.ed25519, publicKey));

  test.each(['a', 'example.com/log', 'spiffe://a.example/x', 'é', '日本', '\ufeff', 'a_b~c'])('may be %j', (name) =>
    expect(faultOfName(name)).toBe('none'),
  );

  test.each(['', 'a b', 'a+b', 'a\tb', 'a\nb', 'a\u00a0b', 'a\u0085b', 'a\u2028b', 'a\u3000b', 'a\u0000b', '\ud800'])(
    'may not be %j',
    (name) => expect(faultOfName(name)).toBe('key_name'),
  );
});

describe('a signer key', () => {
  test('is read and written as Go does', () => {
    const key = parseSignerKey(go.signerKey);
    expect(key.name).toBe('PeterNeumann');
    expect(formatSignerKey(key)).toBe(go.signerKey);
    expect(formatVkey(publicNoteKey(key, KEY_TYPE.ed25519))).toBe(go.vkey);
  });

  test.each([
    ['without its beginning', go.signerKey.slice(1), 'key'],
    ['with another id', go.signerKey.replace('c74f20a3', 'c74f20a4'), 'key'],
    ['with another name', go.signerKey.replace('PeterNeumann', 'PeterNewmann'), 'key'],
    ['with a seed of 31 bytes', 'PRIVATE+KEY+a+00000000+' + Buffer.alloc(32, 1).toString('base64'), 'key'],
    ['of a witness', 'PRIVATE+KEY+a+00000000+' + Buffer.alloc(33, 4).toString('base64'), 'key_type'],
    ['that is a vkey', go.vkey, 'key'],
  ] as const)('%s is refused, without a word of it in the message', (_what, line, fault) => {
    expect(faultOf(() => parseSignerKey(line))).toBe(fault);
    try {
      parseSignerKey(line);
    } catch (error) {
      expect(inspect(error)).not.toContain(line.split('+').at(-1));
    }
  });

  test('is not seen by looking at the key or at its signer', () => {
    const key = parseSignerKey(go.signerKey);
    const seed = Buffer.from(go.signerKey.split('+').at(-1)!, 'base64').subarray(1);
    for (const shown of [inspect(key, { depth: 9, showHidden: true }), JSON.stringify(key), inspect(logSigner(key))])
      for (const form of ['base64', 'hex', 'base64url'] as const) expect(shown).not.toContain(seed.toString(form));
  });

  test('is an Ed25519 private key and no other', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect(faultOf(() => logSigner({ name: 'a', privateKey }))).toBe('key');
    expect(
      faultOf(() =>
        formatSignerKey({ name: 'a', privateKey: createPublicKey(publicKey.export({ format: 'pem', type: 'spki' })) }),
      ),
    ).toBe('key');
    expect(faultOf(() => noteKey('a', KEY_TYPE.ed25519, publicKey))).toBe('key');
    expect(faultOf(() => noteKey('a', KEY_TYPE.ed25519, generateKeyPairSync('ed25519').privateKey))).toBe('key');
  });

  test('has a name that a key may have', () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    expect(faultOf(() => logSigner({ name: 'a b', privateKey }))).toBe('key_name');
    expect(faultOf(() => formatSignerKey({ name: '', privateKey }))).toBe('key_name');
  });

  test('of a witness does not verify as one of a log', () => {
    expect(faultOf(() => logVerifier(parseVkey(real.witness)))).toBe('key_type');
  });
});
