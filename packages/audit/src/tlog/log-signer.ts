import { createPublicKey } from 'node:crypto';
import { signEd25519, verifyEd25519 } from './ed25519.ts';
import { checkPrivateKey, KEY_TYPE, noteKey, type NoteKey, type NotePrivateKey } from './note-key.ts';
import type { NoteSigner, NoteVerifier } from './signed-note.ts';
import { TlogError } from './tlog-error.ts';

/** Returns the signer of a log's own signatures (signed-note, Ed25519 signatures). */
export function logSigner({ name, privateKey }: NotePrivateKey): NoteSigner {
  const { id } = publicNoteKey({ name, privateKey }, KEY_TYPE.ed25519);
  return { name, keyId: id, sign: (text) => signEd25519(privateKey, Buffer.from(text)) };
}

/**
 * Returns the verifier of a log's own signatures.
 *
 * @throws {TlogError} `key_type`: the key is that of a witness.
 */
export function logVerifier(key: NoteKey): NoteVerifier {
  if (key.type !== KEY_TYPE.ed25519) throw new TlogError('key_type', 'the key of a log is of type 0x01');
  const { name, id, publicKey } = key;
  return {
    name,
    keyId: id,
    verify: (text, signature) => verifyEd25519(publicKey, Buffer.from(text), signature),
  };
}

/** Returns the public half of a private key, under its name and as a key of one type. */
export function publicNoteKey({ name, privateKey }: NotePrivateKey, type: NoteKey['type']): NoteKey {
  checkPrivateKey(privateKey);
  return noteKey(name, type, createPublicKey(privateKey));
}
