import { parseCheckpointBody } from './checkpoint.ts';
import { SIGNATURE_BYTES, signEd25519, verifyEd25519 } from './ed25519.ts';
import { publicNoteKey } from './log-signer.ts';
import { KEY_TYPE, type NoteKey, type NotePrivateKey } from './note-key.ts';
import type { NoteSigner, NoteVerifier } from './signed-note.ts';
import { TlogError } from './tlog-error.ts';

/**
 * Returns the signer of a witness: it states that a checkpoint is the largest consistent one of its log that the
 * witness has seen (tlog-cosignature, Ed25519 signed message). Whoever calls it has verified that, and persisted the
 * checkpoint.
 *
 * @param nowSeconds Returns the time of a cosignature in seconds since the epoch.
 */
export function cosigner(key: NotePrivateKey, nowSeconds: () => number): NoteSigner {
  const { id } = publicNoteKey(key, KEY_TYPE.cosignature);
  return {
    name: key.name,
    keyId: id,
    sign(text) {
      const seconds = nowSeconds();
      if (!Number.isSafeInteger(seconds) || seconds < 0) {
        throw new TlogError('timestamp', 'the time of a cosignature is whole seconds since the epoch');
      }
      parseCheckpointBody(text, 'tolerate');
      const time = Buffer.alloc(TIME_BYTES);
      time.writeBigUInt64BE(BigInt(seconds));
      return Buffer.concat([time, signEd25519(key.privateKey, cosignedMessage(BigInt(seconds), text))]);
    },
  };
}

/**
 * Returns the verifier of a witness.
 *
 * @throws {TlogError} `key_type`: the key is not one of a witness.
 */
export function cosignatureVerifier(key: NoteKey): NoteVerifier {
  if (key.type !== KEY_TYPE.cosignature) throw new TlogError('key_type', 'the key of a witness is of type 0x04');
  const { name, id, publicKey } = key;
  return {
    name,
    keyId: id,
    verify(text, signature) {
      const time = timeOf(signature);
      if (time === undefined) return false;
      return verifyEd25519(publicKey, cosignedMessage(time, text), signature.subarray(TIME_BYTES));
    },
  };
}

/**
 * Returns when a cosignature was made, in seconds since the epoch. It is the witness's word, once verified.
 *
 * @throws {TlogError} `timestamp`: the bytes are no cosignature, or the time is beyond 2^53 - 1.
 */
export function cosignatureTime(signature: Uint8Array): number {
  const seconds = Number(timeOf(signature) ?? -1n);
  if (!Number.isSafeInteger(seconds) || seconds < 0) {
    throw new TlogError('timestamp', 'the signature has no time of a cosignature');
  }
  return seconds;
}

const TIME_BYTES = 8;
const MAX_TIME = 2n ** 63n - 1n;

/** The time of a `timestamped_signature`, or undefined where the bytes are none (tlog-cosignature, Format). */
function timeOf(signature: Uint8Array): bigint | undefined {
  if (signature.length !== TIME_BYTES + SIGNATURE_BYTES) return undefined;
  const time = Buffer.from(signature.buffer, signature.byteOffset, TIME_BYTES).readBigUInt64BE();
  return time <= MAX_TIME ? time : undefined;
}

function cosignedMessage(seconds: bigint, text: string): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`);
}
