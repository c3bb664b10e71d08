import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { thumbprint } from '@tallystick/dpop';
import { decodePart, readHeader } from './compact.ts';
import { concatKdf } from './concat-kdf.ts';
import { readP256Key, type P256Key } from './p256-key.ts';
import { fault } from './read.ts';

/** A key for one answer: made for a request, used once, and forgotten with it. */
export interface OneTimeKey {
  readonly jwk: P256Key;
  /** RFC 7638. */
  readonly thumbprint: string;
  /**
   * Returns the text that {@link seal} sealed to this key.
   *
   * @throws {TallystickError} `protocol_error`: it was sealed to another, was changed, or is nothing that was sealed.
   */
  open(sealed: string): string;
}

/** Returns a new one-time key. */
export function createOneTimeKey(): OneTimeKey {
  const { privateKey, jwk } = generate();
  return { jwk, thumbprint: thumbprint(jwk), open: (sealed) => open(sealed, privateKey) };
}

/**
 * Returns `text` as a compact JWE that the holder of one key alone can open (RFC 7516 §7.1): `ECDH-ES` direct key
 * agreement (RFC 7518 §4.6) and `A256GCM` (§5.3).
 *
 * @param text A JWT: the header says so in `cty`.
 * @throws {TallystickError} `protocol_error`: `to` is no point on the curve.
 */
export function seal(text: string, to: P256Key): string {
  const { privateKey, jwk: epk } = generate();
  const header = Buffer.from(JSON.stringify({ alg: ALG, enc: ENC, cty: 'JWT', epk })).toString('base64url');
  const iv = randomBytes(IV_LENGTH);
  const cipher = createCipheriv('aes-256-gcm', agree(privateKey, to), iv).setAAD(Buffer.from(header, 'latin1'));
  const ciphertext = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return [header, '', ...[iv, ciphertext, cipher.getAuthTag()].map((part) => part.toString('base64url'))].join('.');
}

const ALG = 'ECDH-ES';
const ENC = 'A256GCM';
const IV_LENGTH = 12;
const TAG_LENGTH = 16;
const WHAT = 'sealed answer';

function open(sealed: string, own: KeyObject): string {
  const parts = sealed.split('.', 6);
  const [header, key, ...encrypted] = parts as [string, string, string, string, string];
  if (parts.length !== 5 || key !== '') throw fault(WHAT, 'is no JWE with direct key agreement');
  const from = readSender(header);
  const [iv, ciphertext, tag] = encrypted.map((part) => decodePart(part, WHAT)) as [Buffer, Buffer, Buffer];
  if (iv.length !== IV_LENGTH || tag.length !== TAG_LENGTH) throw fault(WHAT, `is not sealed with ${ENC}`);
  const secret = agree(own, from);
  try {
    const decipher = createDecipheriv('aes-256-gcm', secret, iv, { authTagLength: TAG_LENGTH })
      .setAAD(Buffer.from(header, 'latin1'))
      .setAuthTag(tag);
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8');
  } catch {
    throw fault(WHAT, 'does not open with the key of this request');
  }
}

/** Returns the sender's key. Whatever else a header may say, such as `zip` or `crit`, is not ours (RFC 7516 §5.2). */
function readSender(part: string): P256Key {
  const { alg, enc, cty, epk, ...others } = readHeader(part, WHAT);
  if (alg !== ALG || enc !== ENC || cty !== 'JWT' || Object.keys(others).length > 0) {
    throw fault(WHAT, `is not sealed with ${ALG} and ${ENC} alone`);
  }
  return readP256Key(epk, WHAT);
}

function generate(): { privateKey: KeyObject; jwk: P256Key } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x, y } = publicKey.export({ format: 'jwk' });
  return { privateKey, jwk: { kty: 'EC', crv: 'P-256', x: x!, y: y! } };
}

/** Returns the content encryption key of the two. Parties are not named: the key is for one answer (§4.6.2). */
function agree(own: KeyObject, other: P256Key): Buffer {
  let publicKey: KeyObject;
  try {
    publicKey = createPublicKey({ key: { ...other }, format: 'jwk' });
  } catch {
    throw fault(WHAT, 'has a key that is no point on P-256');
  }
  // A third of what `ECDH` takes, which judges both keys again each time.
  return concatKdf(diffieHellman({ privateKey: own, publicKey }), { enc: ENC, bits: 256 });
}
