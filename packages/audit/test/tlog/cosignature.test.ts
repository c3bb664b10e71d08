import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  cosignatureTime,
  cosignatureVerifier,
  cosigner,
  formatNote,
  KEY_TYPE,
  logSigner,
  logVerifier,
  parseNote,
  parseVkey,
  publicNoteKey,
  signCheckpoint,
  signatureOf,
  verifyNote,
} from '../../src/index.ts';
import { c2sp } from './c2sp.ts';
import { faultOf } from './fault-of.ts';

const privateKey = generateKeyPairSync('ed25519').privateKey;
const witness = { name: 'witness.example/w1', privateKey };
const verifier = cosignatureVerifier(publicNoteKey(witness, KEY_TYPE.cosignature));
const TEXT = `log.example\n7\n${Buffer.alloc(32, 9).toString('base64')}\n`;
const at = (seconds: number) => cosigner(witness, () => seconds);

describe('cosignature/v1 (tlog-cosignature)', () => {
  test('of a witness of a Certificate Transparency log verifies, and with another size or time does not', () => {
    const { witness: vkey, note, size } = c2sp.real;
    const remora = cosignatureVerifier(parseVkey(vkey));
    const [verified] = verifyNote(parseNote(Buffer.from(note)), [remora]);
    expect(cosignatureTime(verified!.signature.bytes)).toBe(0x6a122120);
    const other = parseNote(Buffer.from(note.replace(String(size), '42')));
    expect(faultOf(() => verifyNote(other, [remora]))).toBe('signature');
    const later = Buffer.from(verified!.signature.bytes);
    later[7]! += 1;
    expect(remora.verify(parseNote(Buffer.from(note)).text, later)).toBe(false);
  });

  test('has the time of the example of the text, and of transparency-dev/formats', () => {
    const [, cosignature] = parseNote(Buffer.from(c2sp.cosigned)).signatures;
    expect(cosignatureTime(cosignature!.bytes)).toBe(c2sp.cosignedTime);
    const { signature, time } = c2sp.formatsTime;
    expect(cosignatureTime(Buffer.from(signature, 'base64').subarray(4))).toBe(time);
  });

  test('signs a header, its time and the whole text', () => {
    const bytes = at(1_679_315_147).sign(TEXT);
    const message = Buffer.from(`cosignature/v1\ntime 1679315147\n${TEXT}`);
    expect(bytes).toHaveLength(72);
    expect(verify(null, message, privateKey, bytes.subarray(8))).toBe(true);
    expect(cosignatureTime(bytes)).toBe(1_679_315_147);
    expect(verifier.verify(TEXT, bytes)).toBe(true);
  });

  test('covers extension lines', () => {
    const bytes = at(1).sign(`${TEXT}extension\n`);
    expect(verifier.verify(`${TEXT}extension\n`, bytes)).toBe(true);
    expect(verifier.verify(TEXT, bytes)).toBe(false);
    expect(verifier.verify(`${TEXT}extensiom\n`, bytes)).toBe(false);
  });

  test('is added to the checkpoint of a log, and both verify', () => {
    const log = { name: 'log.example', privateKey: generateKeyPairSync('ed25519').privateKey };
    const note = parseNote(
      signCheckpoint({ origin: 'log.example', size: 7, root: Buffer.alloc(32, 9) }, [logSigner(log)]),
    );
    const cosigned = { ...note, signatures: [...note.signatures, signatureOf(at(5), note.text)] };
    const known = [verifier, logVerifier(publicNoteKey(log, KEY_TYPE.ed25519))];
    expect(verifyNote(parseNote(formatNote(cosigned)), known)).toHaveLength(2);
  });

  test('is not a signature of the same key as a log, nor the other way round', () => {
    const asLog = logVerifier(publicNoteKey(witness, KEY_TYPE.ed25519));
    const cosignature = at(5).sign(TEXT);
    expect(asLog.keyId).not.toBe(verifier.keyId);
    expect(asLog.verify(TEXT, cosignature)).toBe(false);
    expect(asLog.verify(TEXT, cosignature.subarray(8))).toBe(false);
    const signature = logSigner(witness).sign(TEXT);
    expect(verifier.verify(TEXT, signature)).toBe(false);
    expect(verifier.verify(TEXT, Buffer.concat([Buffer.alloc(8), signature]))).toBe(false);
    expect(faultOf(() => cosignatureVerifier(parseVkey(c2sp.real.log)))).toBe('key_type');
  });

  test('with a time beyond 2^63 - 1, or of another length, is none', () => {
    const bytes = Buffer.from(at(5).sign(TEXT));
    for (const wrong of [bytes.subarray(1), Buffer.concat([bytes, Buffer.of(0)]), Buffer.alloc(0)]) {
      expect(verifier.verify(TEXT, wrong)).toBe(false);
      expect(faultOf(() => cosignatureTime(wrong))).toBe('timestamp');
    }
    const late = Buffer.from(`cosignature/v1\ntime ${2n ** 63n}\n${TEXT}`);
    const signed = Buffer.concat([Buffer.of(0x80, 0, 0, 0, 0, 0, 0, 0), sign(null, late, privateKey)]);
    expect(verifier.verify(TEXT, signed)).toBe(false);
    bytes[0] = 0x80;
    expect(verifier.verify(TEXT, bytes)).toBe(false);
    expect(faultOf(() => cosignatureTime(bytes))).toBe('timestamp');
    bytes[0] = 0x7f;
    expect(faultOf(() => cosignatureTime(bytes))).toBe('timestamp');
  });

  test.each([-1, 1.5, Number.NaN, 2 ** 53])('is not made at %d', (seconds) => {
    expect(faultOf(() => at(seconds).sign(TEXT))).toBe('timestamp');
  });

  test('is not made of a text that is no checkpoint', () => {
    expect(faultOf(() => at(5).sign('text\n'))).toBe('checkpoint');
  });
});
