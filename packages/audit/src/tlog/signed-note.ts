import { isKeyName } from './note-key.ts';
import { decodeBase64 } from './strict-base64.ts';
import { TlogError } from './tlog-error.ts';

/** A note: text and the signatures under it (signed-note, Format). It says nothing until a signature is verified. */
export interface Note {
  /** Ends with a newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** One signature line. Name and key id together say whose it is. */
export interface NoteSignature {
  readonly name: string;
  readonly keyId: number;
  /** The signature without the key id. */
  readonly bytes: Uint8Array;
}

/** What signs a text: a log, or a witness whose signature carries a time. */
export interface NoteSigner {
  readonly name: string;
  readonly keyId: number;
  sign(text: string): Uint8Array;
}

/** What verifies the signatures of one key. */
export interface NoteVerifier {
  readonly name: string;
  readonly keyId: number;
  /** True where the bytes are the key's signature of the text. */
  verify(text: string, signature: Uint8Array): boolean;
}

/** The most signatures that a note may have. (signed-note, Format: at least 16.) */
export const MAX_NOTE_SIGNATURES = 100;

/**
 * Returns the note that bytes hold, with nothing verified.
 *
 * @throws {TlogError} `note`.
 */
export function parseNote(bytes: Uint8Array): Note {
  const whole = decodeText(bytes);
  // The last empty line parts text and signatures; the text keeps its own newline.
  const blank = whole.lastIndexOf('\n\n');
  if (blank < 0) throw new TlogError('note', 'no empty line parts the text of a note from its signatures');
  const block = whole.slice(blank + 2);
  if (!block.endsWith('\n')) throw new TlogError('note', 'a note ends with the newline of its last signature');
  const lines = block.slice(0, -1).split('\n');
  if (lines.length > MAX_NOTE_SIGNATURES) {
    throw new TlogError('note', `a note has at most ${MAX_NOTE_SIGNATURES} signatures, not ${lines.length}`);
  }
  return { text: whole.slice(0, blank + 1), signatures: lines.map(parseSignatureLine) };
}

/**
 * Returns the bytes of a note.
 *
 * @throws {TlogError} `note`: the text does not end with a newline or has control characters, or there are no
 *   signatures, or too many; `key_name`.
 */
export function formatNote({ text, signatures }: Note): Buffer {
  checkText(text);
  if (signatures.length === 0 || signatures.length > MAX_NOTE_SIGNATURES) {
    throw new TlogError('note', `a note has 1 to ${MAX_NOTE_SIGNATURES} signatures, not ${signatures.length}`);
  }
  return Buffer.from(`${text}\n${signatures.map(formatSignatureLine).join('')}`);
}

/** Returns the note of a text, signed by each signer in turn. */
export function signNote(text: string, signers: readonly NoteSigner[]): Note {
  checkText(text);
  return { text, signatures: signers.map((signer) => signatureOf(signer, text)) };
}

/** Returns the signature of one signer over a text, to be added to a note. */
export function signatureOf(signer: NoteSigner, text: string): NoteSignature {
  return { name: signer.name, keyId: signer.keyId, bytes: signer.sign(text) };
}

/** A signature and the verifier that found it good. */
export interface VerifiedSignature<V extends NoteVerifier> {
  readonly verifier: V;
  readonly signature: NoteSignature;
}

/**
 * Returns the signatures of known keys, all of them verified, in the note's order; those of unknown keys are ignored
 * (signed-note, Signatures). Where there is none, nothing vouches for the note.
 *
 * @throws {TlogError} `signature`: one of a known key is wrong.
 */
export function verifiedSignatures<V extends NoteVerifier>(
  note: Note,
  verifiers: readonly V[],
): VerifiedSignature<V>[] {
  return note.signatures.flatMap((signature) => {
    const verifier = verifiers.find((each) => each.name === signature.name && each.keyId === signature.keyId);
    if (!verifier) return [];
    if (!verifier.verify(note.text, signature.bytes)) {
      throw new TlogError('signature', `the signature of ${verifier.name} is not of this text`);
    }
    return [{ verifier, signature }];
  });
}

/**
 * Returns the verified signatures of a note, of which there is at least one.
 *
 * @throws {TlogError} `signature`: one of a known key is wrong; `unsigned`: there is none of a known key.
 */
export function verifyNote<V extends NoteVerifier>(note: Note, verifiers: readonly V[]): VerifiedSignature<V>[] {
  const verified = verifiedSignatures(note, verifiers);
  if (verified.length === 0) throw new TlogError('unsigned', 'no key that is trusted has signed the note');
  return verified;
}

/** Returns a signature line with its newline (signed-note, Signatures). */
export function formatSignatureLine({ name, keyId, bytes }: NoteSignature): string {
  if (!isKeyName(name)) throw new TlogError('key_name', 'the name of a key is not empty and has no space and no plus');
  const id = Buffer.alloc(4);
  id.writeUInt32BE(keyId);
  return `— ${name} ${Buffer.concat([id, bytes]).toString('base64')}\n`;
}

/**
 * Returns the signature of a line without its newline, as a note or the answer of a witness has it.
 *
 * @throws {TlogError} `note`.
 */
export function parseSignatureLine(line: string): NoteSignature {
  const [, name, encoded] = /^— ([^ ]+) ([^ ]+)$/.exec(line) ?? [];
  const bytes = decodeBase64(encoded ?? '');
  if (name === undefined || !isKeyName(name) || !bytes || bytes.length < 5) {
    throw new TlogError('note', 'a signature line is an em dash, a key name and base64 of key id and signature');
  }
  return { name, keyId: bytes.readUInt32BE(0), bytes: bytes.subarray(4) };
}

function decodeText(bytes: Uint8Array): string {
  let text: string;
  try {
    text = UTF8.decode(bytes);
  } catch {
    throw new TlogError('note', 'a note is UTF-8');
  }
  if (CONTROL.test(text)) throw new TlogError('note', 'a note has no control characters but newlines');
  return text;
}

function checkText(text: string): void {
  if (!text.endsWith('\n')) throw new TlogError('note', 'the text of a note ends with a newline');
  if (CONTROL.test(text) || !text.isWellFormed()) {
    throw new TlogError('note', 'the text of a note is Unicode without control characters but newlines');
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
// eslint-disable-next-line no-control-regex -- these are the characters that signed-note forbids
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;
