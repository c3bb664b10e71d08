import { createPublicKey, verify } from 'node:crypto';
import { JWT_TYPE } from '@tallystick/core';
import { thumbprint } from '@tallystick/dpop';
import { decodePart, decodeText, readHeader } from './compact.ts';
import { readP256Key } from './p256-key.ts';
import { fault } from './read.ts';

/** A reply whose signature holds: by a key, which need not be the sidecar's. */
export interface SignedReply {
  /** RFC 7638 thumbprint of the key that signed: who wants to know the sidecar compares it with what is pinned. */
  readonly signedBy: string;
  /** JSON, to be judged by `parseReplyClaims`. */
  readonly claims: string;
}

const WHAT = 'signed answer';

/**
 * Verifies the compact JWS that a `reply` key has signed, and that carries that key (RFC 7515 §4.1.3): `ES256`, the
 * `typ` of sealed answers, `kid` the thumbprint of `jwk`, and nothing else in the header.
 *
 * @throws {TallystickError} `protocol_error`
 */
export function verifyReply(jws: string): SignedReply {
  const parts = jws.split('.', 4);
  const [header, payload, mark] = parts as [string, string, string];
  if (parts.length !== 3) throw fault(WHAT, 'is no compact JWS');
  const { typ, alg, kid, jwk, ...others } = readHeader(header, WHAT);
  if (typ !== JWT_TYPE.credential) throw fault(WHAT, `is not of the type ${JWT_TYPE.credential}`);
  if (alg !== 'ES256' || Object.keys(others).length > 0) throw fault(WHAT, 'is not signed with ES256 alone');
  const key = readP256Key(jwk, WHAT);
  const signedBy = thumbprint(key);
  if (kid !== signedBy) throw fault(WHAT, 'has a "kid" that is not the thumbprint of its key');
  const signature = decodePart(mark, WHAT);
  const holds =
    signature.length === SIGNATURE_LENGTH &&
    verify(
      'sha256',
      Buffer.from(`${header}.${payload}`, 'latin1'),
      { key: createPublicKey({ key: { ...key }, format: 'jwk' }), dsaEncoding: 'ieee-p1363' },
      signature,
    );
  if (!holds) throw fault(WHAT, 'has a signature that does not hold');
  return { signedBy, claims: decodeText(payload, WHAT) };
}

const SIGNATURE_LENGTH = 64;
