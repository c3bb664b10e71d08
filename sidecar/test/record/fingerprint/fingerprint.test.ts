import { createHmac, createSecretKey, generateKeyPairSync } from 'node:crypto';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemRandom } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import {
  escrowOf,
  openSealed,
  parseEscrow,
  parseEscrowPrivateKey,
  readEscrow,
} from '../../../src/record/fingerprint/fingerprint-escrow.ts';
import { createFingerprint, fingerprintKeyId } from '../../../src/record/fingerprint/fingerprint.ts';
import { fingerprintKeyFile, openFingerprintKey, readFingerprintKey } from '../../../src/state/fingerprint-key.ts';
import { temporaryFolder } from '../../listen/temporary-folder.ts';
import { openedRecorder, recordsOf } from '../opened-recorder.ts';

const BYTES = Buffer.alloc(32, 7);
const KEY = createSecretKey(BYTES);
const PAIR = generateKeyPairSync('rsa', { modulusLength: 3072 });
const PUBLIC = PAIR.publicKey.export({ type: 'spki', format: 'pem' }) as string;
const PRIVATE = PAIR.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

test('a fingerprint is the HMAC over the exact bytes, after the name of the key', () => {
  const fingerprint = createFingerprint(KEY);
  const hmac = (text: string): string => createHmac('sha256', BYTES).update(text).digest('hex');
  expect(fingerprint('a token')).toBe(`hmac-sha256:${fingerprintKeyId(KEY)}:${hmac('a token')}`);
  expect(fingerprint(Buffer.from('a token'))).toBe(fingerprint('a token'));
  expect(fingerprint('a token\n')).not.toBe(fingerprint('a token'));
  expect(fingerprintKeyId(KEY)).toBe(hmac('tallystick fingerprint key').slice(0, 16));
});

describe('the key of an incarnation', () => {
  const open = (folder: string, incarnation: number, mayMake = true) =>
    openFingerprintKey(folder, incarnation, { mayMake, random: systemRandom, seal: () => null });

  test('is made once, for nobody else to read, and is another in the next incarnation', async () => {
    const folder = temporaryFolder();
    const first = await open(folder, 1);
    expect((await stat(join(folder, fingerprintKeyFile(1)))).mode & 0o777).toBe(0o400);
    expect(fingerprintKeyId((await open(folder, 1, false)).key)).toBe(fingerprintKeyId(first.key));
    expect(fingerprintKeyId((await open(folder, 2)).key)).not.toBe(fingerprintKeyId(first.key));
  });

  test('that is missing, of another incarnation, or no key is refused with the next step', async () => {
    const folder = temporaryFolder();
    await open(folder, 1);
    const refused = { code: 'state_unusable', remedy: expect.stringContaining('--new-incarnation') as string };
    await expect(open(folder, 2, false)).rejects.toMatchObject(refused);
    const { key, sealed } = (await readFingerprintKey(join(folder, fingerprintKeyFile(1))))!;
    expect({ bytes: key.symmetricKeySize, sealed }).toEqual({ bytes: 32, sealed: null });
    const short = { bytes: () => Buffer.alloc(31), uniform: () => 0 };
    await openFingerprintKey(folder, 3, { mayMake: true, random: short, seal: () => null });
    await expect(open(folder, 3)).rejects.toMatchObject({
      ...refused,
      message: expect.stringMatching(/does not hold a fingerprint key/) as string,
    });
    await writeFile(join(folder, fingerprintKeyFile(4)), '{}', { mode: 0o400 });
    await expect(open(folder, 4)).rejects.toMatchObject({ code: 'state_unusable' });
  });
});

describe('the escrow', () => {
  test('opens with its private key alone, and tells which public key that is', () => {
    const { key, seal } = parseEscrow(PUBLIC, 'escrow.pub');
    const { escrow, sealed } = seal(BYTES);
    const privateKey = parseEscrowPrivateKey(PRIVATE, 'escrow.key');
    expect([escrow, key]).toEqual([escrowOf(privateKey), escrowOf(privateKey)]);
    expect(openSealed(sealed, privateKey)).toEqual(BYTES);
    const other = generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey;
    expect(openSealed(sealed, other)).toBeUndefined();
    expect(openSealed(seal(Buffer.alloc(31)).sealed, privateKey)).toBeUndefined();
  });

  const pem = { type: 'spki', format: 'pem' } as const;
  test.each([
    ['a private key', PRIVATE, /holds a private key/],
    ['no key', 'hello', /holds no public key in PEM/],
    [
      'a short key',
      generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export(pem) as string,
      /3072 to 4096/,
    ],
    ['an elliptic key', generateKeyPairSync('x25519').publicKey.export(pem) as string, /does not hold an RSA key/],
  ])('%s in the place of the public key is refused in words', (_, text, message) => {
    expect(() => parseEscrow(text, 'escrow.pub')).toThrow(message);
  });

  test('that cannot be read refuses the start, and a private key that cannot be opened says what to do', async () => {
    await expect(readEscrow('/nowhere/escrow.pub')).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringMatching(/cannot be read: ENOENT/) as string,
    });
    const encrypted = PAIR.privateKey.export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'x',
    }) as string;
    for (const text of [encrypted, PUBLIC])
      expect(() => parseEscrowPrivateKey(text, 'k')).toThrow(/is no RSA private key/);
  });
});

describe('a log', () => {
  test('names its fingerprint key in its first record, and holds it sealed where an escrow is configured', async () => {
    const folder = temporaryFolder();
    const recorder = await openedRecorder(folder, { escrow: parseEscrow(PUBLIC, 'p') });
    const [genesis] = (await recordsOf(recorder)) as { body: { fingerprints: Record<string, string> } }[];
    const { id, sealed, escrow } = genesis!.body.fingerprints;
    expect(escrow).toBe(escrowOf(PAIR.privateKey));
    const key = createSecretKey(openSealed(sealed!, PAIR.privateKey)!);
    expect(fingerprintKeyId(key)).toBe(id);
    expect(recorder.fingerprint('a token')).toBe(createFingerprint(key)('a token'));
    expect(recorder.isEscrowed).toBe(true);
  });

  test('that was begun without an escrow goes on under its own key, and tells that it is not sealed', async () => {
    const folder = temporaryFolder();
    const first = await openedRecorder(folder);
    const [genesis] = (await recordsOf(first)) as { body: { fingerprints: object } }[];
    const id = first.fingerprint('x').split(':')[1];
    expect(genesis!.body.fingerprints).toEqual({ escrow: null, id, sealed: null });
    await first.close();
    const escrow = parseEscrow(PUBLIC, 'p');
    const second = await openedRecorder(folder, { escrow });
    expect([second.isEscrowed, second.fingerprint('x')]).toEqual([false, first.fingerprint('x')]);
    await second.close();
    const newIncarnation = { uid: 0, loginUid: null, tty: null, reason: 'escrow' };
    const third = await openedRecorder(folder, { escrow, newIncarnation });
    expect([third.isEscrowed, third.fingerprint('x') === first.fingerprint('x')]).toEqual([true, false]);
  });
});
