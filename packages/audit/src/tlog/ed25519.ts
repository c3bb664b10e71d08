import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';

const RAW = 32;
export const SIGNATURE_BYTES = 64;

/** What stands before the 32 bytes of a private key in PKCS #8, and of a public one in SPKI (RFC 8410 §4, §7). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/** Returns the key of 32 bytes of RFC 8032, or undefined where they are not 32. */
export function publicKeyOf(raw: Uint8Array): KeyObject | undefined {
  if (raw.length !== RAW) return undefined;
  return createPublicKey({ key: Buffer.concat([SPKI, raw]), format: 'der', type: 'spki' });
}

/** Returns the private key of a seed of 32 bytes, or undefined where it is no such seed. */
export function privateKeyOf(seed: Uint8Array): KeyObject | undefined {
  if (seed.length !== RAW) return undefined;
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
}

/** Returns the 32 bytes of the public half of a private or public key. */
export function rawPublicKey(key: KeyObject): Buffer {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  return half.export({ format: 'der', type: 'spki' }).subarray(SPKI.length);
}

/** Returns the seed of a private key. It is a secret. */
export function rawPrivateKey(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'pkcs8' }).subarray(PKCS8.length);
}

/** True for an Ed25519 key of the wanted kind. */
export function isEd25519(key: KeyObject, type: 'private' | 'public'): boolean {
  return key.type === type && key.asymmetricKeyType === 'ed25519';
}

/** Returns the signature of RFC 8032 over a message: 64 bytes. */
export function signEd25519(key: KeyObject, message: Uint8Array): Buffer {
  return sign(null, message, key);
}

/** True where the signature is the key's over the message. */
export function verifyEd25519(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, message, key, signature);
}
