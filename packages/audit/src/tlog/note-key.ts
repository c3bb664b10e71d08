import { hash, type KeyObject } from 'node:crypto';
import { isEd25519, privateKeyOf, publicKeyOf, rawPrivateKey, rawPublicKey } from './ed25519.ts';
import { decodeBase64 } from './strict-base64.ts';
import { TlogError } from './tlog-error.ts';

/** Signature types that are understood: `ed25519` (signed-note, 0x01) and `cosignature/v1` (tlog-cosignature, 0x04). */
export const KEY_TYPE = { ed25519: 1, cosignature: 4 } as const;

export type KeyType = (typeof KEY_TYPE)[keyof typeof KEY_TYPE];

/** A public key with its name, as notes know it: what a vkey says. */
export interface NoteKey {
  readonly name: string;
  /** First four bytes of a hash over name, type and key, big-endian. An identifier, not a commitment. */
  readonly id: number;
  readonly type: KeyType;
  readonly publicKey: KeyObject;
}

/** A private key with its name. Its holder can sign heads of the log. */
export interface NotePrivateKey {
  readonly name: string;
  readonly privateKey: KeyObject;
}

/** True for a name that a key or a log can have: not empty, no Unicode space, no plus, no control (signed-note, Format). */
export function isKeyName(name: string): boolean {
  return name !== '' && name.isWellFormed() && !FORBIDDEN_IN_NAME.test(name);
}

/**
 * Returns a key under its name, with its id (signed-note, Signatures).
 *
 * @throws {TlogError} `key_name`, or `key`: it is not an Ed25519 public key.
 */
export function noteKey(name: string, type: KeyType, publicKey: KeyObject): NoteKey {
  checkName(name);
  if (!isEd25519(publicKey, 'public')) throw new TlogError('key', 'the key is not an Ed25519 public key');
  return { name, id: keyId(name, encodeKey(type, rawPublicKey(publicKey))), type, publicKey };
}

/** Returns the vkey `<name>+<id>+<base64 of type and key>` (signed-note, Verifier keys). */
export function formatVkey({ name, id, type, publicKey }: NoteKey): string {
  return `${name}+${hexId(id)}+${encodeKey(type, rawPublicKey(publicKey)).toString('base64')}`;
}

/**
 * Returns the key that a vkey says.
 *
 * @throws {TlogError} `key`: it is no vkey, or its id is not that of its key; `key_type`: its type is not understood.
 */
export function parseVkey(vkey: string): NoteKey {
  const { name, id, type, raw } = parseKey(vkey);
  const publicKey = publicKeyOf(raw);
  if (!publicKey) throw new TlogError('key', 'the public key of a vkey has 32 bytes');
  const key = noteKey(name, type, publicKey);
  if (key.id !== id) throw new TlogError('key', 'the id of a vkey is not that of its name and key');
  return key;
}

/** Returns the private key as a line `PRIVATE+KEY+<name>+<id>+<base64 of type and seed>`. It is a secret. */
export function formatSignerKey({ name, privateKey }: NotePrivateKey): string {
  checkPrivateKey(privateKey);
  checkName(name);
  const id = keyId(name, encodeKey(KEY_TYPE.ed25519, rawPublicKey(privateKey)));
  return `${SIGNER_KEY}${name}+${hexId(id)}+${encodeKey(KEY_TYPE.ed25519, rawPrivateKey(privateKey)).toString('base64')}`;
}

/**
 * Returns the private key of such a line. No message of an error has a part of it.
 *
 * @throws {TlogError} `key` or `key_type`.
 */
export function parseSignerKey(line: string): NotePrivateKey {
  if (!line.startsWith(SIGNER_KEY)) throw new TlogError('key', 'a signer key begins with PRIVATE+KEY+');
  const { name, id, type, raw } = parseKey(line.slice(SIGNER_KEY.length));
  const privateKey = privateKeyOf(raw);
  if (!privateKey) throw new TlogError('key', 'the seed of a signer key has 32 bytes');
  if (type !== KEY_TYPE.ed25519) throw new TlogError('key_type', 'a signer key is of type 0x01');
  if (keyId(name, encodeKey(type, rawPublicKey(privateKey))) !== id) {
    throw new TlogError('key', 'the id of a signer key is not that of its name and key');
  }
  return { name, privateKey };
}

/** Throws unless the key can sign. */
export function checkPrivateKey(key: KeyObject): void {
  if (!isEd25519(key, 'private')) throw new TlogError('key', 'the key is not an Ed25519 private key');
}

const SIGNER_KEY = 'PRIVATE+KEY+';
// eslint-disable-next-line no-control-regex -- no part of a note has one
const FORBIDDEN_IN_NAME = /[\p{White_Space}+\u0000-\u001f]/u;

function checkName(name: string): void {
  if (!isKeyName(name)) throw new TlogError('key_name', 'the name of a key is not empty and has no space and no plus');
}

function parseKey(line: string): { name: string; id: number; type: KeyType; raw: Buffer } {
  // The base64 may hold a plus, the name and the id may not.
  const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(line) ?? [];
  const bytes = decodeBase64(encoded ?? '');
  if (name === undefined || id === undefined || !bytes?.length) {
    throw new TlogError('key', 'a key is written as <name>+<8 hex digits>+<base64>');
  }
  checkName(name);
  const type = bytes[0]!;
  if (type !== KEY_TYPE.ed25519 && type !== KEY_TYPE.cosignature) {
    throw new TlogError('key_type', `keys of type 0x${type.toString(16).padStart(2, '0')} are not understood`);
  }
  return { name, id: parseInt(id, 16), type, raw: bytes.subarray(1) };
}

function encodeKey(type: KeyType, raw: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(type), raw]);
}

function keyId(name: string, encoded: Uint8Array): number {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), encoded]), 'buffer').readUInt32BE(0);
}

const hexId = (id: number): string => id.toString(16).padStart(8, '0');
