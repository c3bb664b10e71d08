import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatNote,
  formatSignatureLine,
  KEY_TYPE,
  logSigner,
  logVerifier,
  MAX_NOTE_SIGNATURES,
  parseNote,
  parseSignatureLine,
  parseSignerKey,
  parseVkey,
  publicNoteKey,
  signNote,
  verifiedSignatures,
  verifyNote,
  type Note,
} from '../../src/index.ts';
import { c2sp } from './c2sp.ts';
import { faultOf } from './fault-of.ts';

const { go, signedNote, unicodeNote } = c2sp;
const verifierOf = (vkey: string) => logVerifier(parseVkey(vkey));
const peter = verifierOf(go.vkey);
const enoch = verifierOf(go.secondVkey);
const parse = (text: string): Note => parseNote(Buffer.from(text));

function keyPair(name: string) {
  const key = { name, privateKey: generateKeyPairSync('ed25519').privateKey };
  return { signer: logSigner(key), verifier: logVerifier(publicNoteKey(key, KEY_TYPE.ed25519)) };
}

describe('the examples', () => {
  test('of signed-note verifies', () => {
    const note = parse(signedNote.note);
    expect(note.text).toBe(signedNote.text);
    expect(verifyNote(note, [verifierOf(signedNote.vkey)])).toHaveLength(1);
    expect(formatNote(note).toString()).toBe(signedNote.note);
  });

  test('of signed-note with an empty line in its text is parted at the last one', () => {
    const note = parse(unicodeNote);
    expect(note.text).toMatch(/^Ognuno.*:\n\ned è subito sera\.\n$/s);
    expect(note.signatures.map(({ name }) => name)).toEqual(['quasimodo.example/salvatore']);
    expect(formatNote(note).toString()).toBe(unicodeNote);
  });

  test('of Go are signed to the same bytes, and verify', () => {
    const signer = logSigner(parseSignerKey(go.signerKey));
    expect(formatNote(signNote(go.text, [signer])).toString()).toBe(go.note);
    expect(verifyNote(parse(go.signedTwice), [enoch, peter]).map(({ verifier }) => verifier.name)).toEqual([
      'PeterNeumann',
      'EnochRoot',
    ]);
  });
});

describe('verifying a note (signed-note, Signatures)', () => {
  test('ignores the keys it does not know, and asks for one that it does', () => {
    expect(verifyNote(parse(go.signedTwice), [enoch])).toHaveLength(1);
    expect(faultOf(() => verifyNote(parse(go.note), [enoch]))).toBe('unsigned');
    expect(faultOf(() => verifyNote(parse(go.note), []))).toBe('unsigned');
    expect(verifiedSignatures(parse(go.note), [enoch])).toEqual([]);
  });

  test('ignores a signature that shares the name or the id of a known key, but not both', () => {
    const [mine, other] = [keyPair('a.example'), keyPair('a.example')];
    const { signatures } = signNote('text\n', [mine.signer]);
    const forged = { ...signatures[0]!, bytes: Buffer.alloc(64) };
    const strangers = [
      { ...forged, keyId: other.signer.keyId },
      { ...forged, name: 'b.example' },
    ];
    expect(verifyNote({ text: 'text\n', signatures: [...strangers, ...signatures] }, [mine.verifier])).toHaveLength(1);
  });

  test('refuses the whole note for one wrong signature of a known key, also beside a right one', () => {
    const note = parse(go.signedTwice);
    const [first, second] = note.signatures;
    const spoiled = { ...second!, bytes: Buffer.from(second!.bytes).fill(1, 9, 10) };
    expect(faultOf(() => verifyNote({ ...note, signatures: [first!, spoiled] }, [peter, enoch]))).toBe('signature');
    expect(verifyNote({ ...note, signatures: [first!, spoiled] }, [peter])).toHaveLength(1);
    const cut = { ...second!, bytes: second!.bytes.subarray(1) };
    expect(faultOf(() => verifyNote({ ...note, signatures: [cut] }, [enoch]))).toBe('signature');
  });

  test('refuses every note of which a byte is another', () => {
    const whole = Buffer.from(go.note);
    for (let at = 0; at < whole.length; at += 1) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 1;
      expect(faultOf(() => verifyNote(parseNote(changed), [peter]))).not.toBe('none');
    }
  });

  test('accepts 16 signatures, and up to 100 that are unknown', () => {
    const keys = Array.from({ length: 16 }, (_, i) => keyPair(`witness-${i}.example`));
    const note = signNote(
      'text\n',
      keys.map(({ signer }) => signer),
    );
    expect(
      verifyNote(
        parseNote(formatNote(note)),
        keys.map(({ verifier }) => verifier),
      ),
    ).toHaveLength(16);
    const unknown = { name: 'stranger.example', keyId: 1, bytes: Buffer.alloc(64) };
    const many = { text: 'text\n', signatures: Array.from({ length: MAX_NOTE_SIGNATURES }, () => unknown) };
    expect(parseNote(formatNote(many)).signatures).toHaveLength(100);
    const line = formatSignatureLine(unknown);
    expect(faultOf(() => parse(`text\n\n${line.repeat(101)}`))).toBe('note');
    expect(faultOf(() => formatNote({ ...many, signatures: [...many.signatures, unknown] }))).toBe('note');
  });
});

describe('a note (signed-note, Format)', () => {
  const line = '— a.example AAAAAQEC\n';

  test('with a signature of one byte and more is read', () => {
    expect(parse(`text\n\n${line}`)).toEqual({
      text: 'text\n',
      signatures: [{ name: 'a.example', keyId: 1, bytes: Buffer.of(1, 2) }],
    });
  });

  test('keeps a byte order mark, which is a part of the text that was signed', () => {
    expect(parse(`\ufefftext\n\n${line}`).text).toBe('\ufefftext\n');
  });

  test.each([
    ['is empty', ''],
    ['has no signature', 'text\n\n'],
    ['has no text', line],
    ['has no empty line', `text\n${line}`],
    ['has no newline at its end', `text\n\n${line.trimEnd()}`],
    ['has a line after its signatures', `text\n\n${line}more\n`],
    ['has a hyphen for the em dash', `text\n\n- a.example AAAAAQEC\n`],
    ['has no space after the em dash', `text\n\n—a.example AAAAAQEC\n`],
    ['has two spaces', `text\n\n— a.example  AAAAAQEC\n`],
    ['has a space after the signature', `text\n\n— a.example AAAAAQEC \n`],
    ['has no key name', `text\n\n— AAAAAQEC\n`],
    ['has a plus in the key name', `text\n\n— a+b AAAAAQEC\n`],
    ['has a Unicode space in the key name', `text\n\n— a\u2003b AAAAAQEC\n`],
    ['has a signature of the key id alone', `text\n\n— a.example AAAAAQ==\n`],
    ['has URL-safe base64', `text\n\n— a.example AAAAAQ-_\n`],
    ['has base64 without padding', `text\n\n— a.example AAAAAQEB/w\n`],
    ['has base64 with bits to spare', `text\n\n— a.example AAAAAQEB/x==\n`],
    ['has a tab', `te\txt\n\n${line}`],
    ['has a carriage return', `text\r\n\n${line}`],
    ['has a NUL', `te\u0000xt\n\n${line}`],
  ])('that %s is refused', (_what, text) => expect(faultOf(() => parse(text))).toBe('note'));

  test('that is not UTF-8 is refused', () => {
    expect(faultOf(() => parseNote(Buffer.from(`te\xffxt\n\n${line}`, 'latin1')))).toBe('note');
  });

  test.each([
    ['does not end with a newline', 'text', 'note'],
    ['has a tab', 'te\txt\n', 'note'],
    ['is no Unicode', 'te\ud800xt\n', 'note'],
  ] as const)('is not made of a text that %s', (_what, text, fault) => {
    expect(faultOf(() => signNote(text, [keyPair('a').signer]))).toBe(fault);
    expect(faultOf(() => formatNote({ text, signatures: [{ name: 'a', keyId: 1, bytes: Buffer.of(1) }] }))).toBe(fault);
  });

  test('is not made without a signature, or under a name that no key has', () => {
    expect(faultOf(() => formatNote({ text: 'text\n', signatures: [] }))).toBe('note');
    expect(faultOf(() => formatSignatureLine({ name: 'a b', keyId: 1, bytes: Buffer.of(1) }))).toBe('key_name');
  });

  test('is read back as it was made, and made again as it was read', () => {
    const name = fc.stringMatching(/^[a-z0-9./:é_-]{1,20}$/);
    const signature = fc.record({
      name,
      keyId: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
    });
    // eslint-disable-next-line no-control-regex -- what a text may not have
    const text = fc.string({ unit: 'grapheme' }).map((each) => `${each.replaceAll(/[\u0000-\u001f]/g, '\n')}\n`);
    fc.assert(
      fc.property(text, fc.array(signature, { minLength: 1, maxLength: 20 }), (each, signatures) => {
        const note = { text: each, signatures };
        expect(parseNote(formatNote(note))).toEqual(note);
      }),
    );
  });
});

describe('a signature line', () => {
  test.each(c2sp.witnessAnswer)('of the answer of a witness: %s', (line) => {
    const signature = parseSignatureLine(line);
    expect(signature.name).toMatch(/^witness\.example\/w[12]$/);
    expect(formatSignatureLine(signature)).toBe(`${line}\n`);
  });
});
