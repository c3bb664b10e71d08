import { createCipheriv, createDecipheriv, createECDH, hash, randomBytes, type ECDH } from 'node:crypto';
import { thumbprint, type PublicJwk } from '@tallystick/dpop';
import { fault } from './read.ts';

/** A public key on P-256 that an answer is sealed to. */
export type SealingKey = PublicJwk & { readonly kty: 'EC'; readonly crv: 'P-256' };

/** A key for one answer: made for a request, used once, and forgotten with it. */
export interface OneTimeKey {
  readonly jwk: SealingKey;
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
  const ecdh = createECDH(CURVE);
  const jwk = jwkOf(ecdh.generateKeys());
  return { jwk, thumbprint: thumbprint(jwk), open: (sealed) => open(sealed, ecdh) };
}

/**
 * Returns `text` as a compact JWE that the holder of one key alone can open (RFC 7516 §7.1): `ECDH-ES` direct key
 * agreement (RFC 7518 §4.6) and `A256GCM` (§5.3).
 *
 * @param text A JWT: the header says so in `cty`.
 * @throws {TallystickError} `protocol_error`: `to` is no point on the curve.
 */
export function seal(text: string, to: SealingKey): string {
  const ecdh = createECDH(CURVE);
  const header = encode(JSON.stringify({ alg: ALG, enc: ENC, cty: 'JWT', epk: jwkOf(ecdh.generateKeys()) }));
  const iv = randomBytes(IV_LENGTH);
  const cipher = createCipheriv('aes-256-gcm', agree(ecdh, to), iv).setAAD(Buffer.from(header, 'latin1'));
  const ciphertext = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return [header, '', ...[iv, ciphertext, cipher.getAuthTag()].map((part) => part.toString('base64url'))].join('.');
}

const CURVE = 'prime256v1';
const ALG = 'ECDH-ES';
const ENC = 'A256GCM';
const IV_LENGTH = 12;
const TAG_LENGTH = 16;
const WHAT = 'sealed answer';

function open(sealed: string, ecdh: ECDH): string {
  const parts = sealed.split('.', 6);
  const [header, key, iv, ciphertext, tag] = parts as [string, string, string, string, string];
  if (parts.length !== 5 || key !== '') throw fault(WHAT, 'is no JWE with direct key agreement');
  const from = readHeader(header);
  const nonce = Buffer.from(iv, 'base64url');
  const mark = Buffer.from(tag, 'base64url');
  if (nonce.length !== IV_LENGTH || mark.length !== TAG_LENGTH) throw fault(WHAT, 'is not sealed with A256GCM');
  const secret = agree(ecdh, from);
  try {
    const decipher = createDecipheriv('aes-256-gcm', secret, nonce, { authTagLength: TAG_LENGTH })
      .setAAD(Buffer.from(header, 'latin1'))
      .setAuthTag(mark);
    return Buffer.concat([decipher.update(ciphertext, 'base64url'), decipher.final()]).toString('utf8');
  } catch {
    throw fault(WHAT, 'does not open with the key of this request');
  }
}

/** Returns the sender's key. Whatever else a header may say, such as `zip` or `crit`, is not ours (RFC 7516 §5.2). */
function readHeader(part: string): SealingKey {
  let header: Record<string, unknown>;
  try {
    header = JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
  } catch {
    throw fault(WHAT, 'has no header');
  }
  const { alg, enc, cty, epk, ...others } = header;
  if (alg !== ALG || enc !== ENC || cty !== 'JWT' || Object.keys(others).length > 0) {
    throw fault(WHAT, `is not sealed with ${ALG} and ${ENC} alone`);
  }
  return readSealingKey(epk, WHAT);
}

/**
 * Reads a public key to seal to.
 *
 * @throws {TallystickError} `protocol_error`
 */
export function readSealingKey(value: unknown, what: string): SealingKey {
  const { kty, crv, x, y } = (value ?? {}) as Record<string, unknown>;
  if (kty !== 'EC' || crv !== 'P-256' || !isCoordinate(x) || !isCoordinate(y)) {
    throw fault(what, 'has no public key on P-256');
  }
  return { kty, crv, x, y };
}

function isCoordinate(value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]{43}$/.test(value);
}

/** Returns the content encryption key of the two. Parties are not named: the key is for one answer (§4.6.2). */
function agree(own: ECDH, other: SealingKey): Buffer {
  let secret: Buffer;
  try {
    secret = own.computeSecret(
      Buffer.concat([Buffer.of(4), Buffer.from(other.x, 'base64url'), Buffer.from(other.y, 'base64url')]),
    );
  } catch {
    throw fault(WHAT, 'has a key that is no point on P-256');
  }
  return hash('sha256', Buffer.concat([ROUND_ONE, secret, OTHER_INFO]), 'buffer');
}

const ROUND_ONE = uint32(1);
// AlgorithmID, PartyUInfo, PartyVInfo, SuppPubInfo.
const OTHER_INFO = Buffer.concat([uint32(ENC.length), Buffer.from(ENC), uint32(0), uint32(0), uint32(256)]);

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function jwkOf(point: Buffer): SealingKey {
  return {
    kty: 'EC',
    crv: 'P-256',
    x: point.toString('base64url', 1, 33),
    y: point.toString('base64url', 33, 65),
  };
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}
