import {
  constants,
  createPrivateKey,
  createPublicKey,
  privateDecrypt,
  publicEncrypt,
  type KeyObject,
} from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { TallystickError, withoutBytes } from '@tallystick/core';

/** A secret key that is sealed to a public key. Both are base64: they stand in the log. */
export interface Sealed {
  /** The public key, as SubjectPublicKeyInfo (RFC 5280 §4.1). */
  readonly escrow: string;
  /** RSAES-OAEP with SHA-256 and an empty label (RFC 8017 §7.1): `openssl pkeyutl`, and every KMS, can open it. */
  readonly sealed: string;
}

/** Seals a secret key. */
export interface Escrow {
  /** The public key, as in {@link Sealed}. */
  readonly key: string;
  seal(secret: Buffer): Sealed;
}

const OAEP = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' } as const;
const MIN_BITS = 3072;
const MAX_BITS = 4096;
/** Of a fingerprint key. */
const SECRET_BYTES = 32;

/** Returns what seals to the public key in a file. @throws {TallystickError} As {@link parseEscrow}. */
export async function readEscrow(path: string): Promise<Escrow> {
  let pem: string;
  try {
    pem = await readFile(path, 'utf8');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw unfit(path, `cannot be read: ${code}`, 'let the sidecar read it, or take "audit.escrow" away', error);
  }
  return parseEscrow(pem, path);
}

/**
 * Returns what seals to the RSA public key in a PEM text.
 *
 * @throws {TallystickError} `config_invalid`: it holds another key, or a private one, which may not be here at all.
 */
export function parseEscrow(pem: string, path: string): Escrow {
  if (pem.includes('PRIVATE KEY')) {
    throw unfit(path, 'holds a private key', 'keep the private key away from this host, and name its public key alone');
  }
  const remedy = `make one with "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:${MIN_BITS}" and "openssl pkey -pubout"`;
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (error) {
    throw unfit(path, 'holds no public key in PEM', remedy, error);
  }
  const bits = key.asymmetricKeyType === 'rsa' ? (key.asymmetricKeyDetails?.modulusLength ?? 0) : 0;
  if (bits < MIN_BITS || bits > MAX_BITS) {
    throw unfit(path, `does not hold an RSA key of ${MIN_BITS} to ${MAX_BITS} bits`, remedy);
  }
  const escrow = key.export({ type: 'spki', format: 'der' }).toString('base64');
  return {
    key: escrow,
    seal: (secret) => ({ escrow, sealed: publicEncrypt({ key, ...OAEP }, secret).toString('base64') }),
  };
}

/**
 * Returns the private key in a PEM text.
 *
 * @throws {TallystickError} `state_unusable`: it is none, or needs a passphrase.
 */
export function parseEscrowPrivateKey(pem: string, path: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'rsa') return key;
  } catch {
    // Its error may quote the file.
  }
  throw new TallystickError('state_unusable', `"${path}" is no RSA private key in PEM that can be read as it is`, {
    remedy: 'open the sealed key with "openssl pkeyutl" where the private key is kept, and give the result with --key',
  });
}

/** Returns the public key of a private one, as in {@link Sealed}. */
export function escrowOf(privateKey: KeyObject): string {
  return createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).toString('base64');
}

/** Returns the secret key that was sealed, or undefined where it was not sealed to this key. */
export function openSealed(sealed: string, privateKey: KeyObject): Buffer | undefined {
  try {
    const secret = privateDecrypt({ key: privateKey, ...OAEP }, Buffer.from(sealed, 'base64'));
    return secret.length === SECRET_BYTES ? secret : undefined;
  } catch {
    return undefined;
  }
}

function unfit(path: string, why: string, remedy: string, cause?: unknown): TallystickError {
  return new TallystickError('config_invalid', `"audit.escrow": "${path}" ${why}`, {
    remedy,
    ...(cause instanceof Error && { cause: withoutBytes(cause) }),
  });
}
