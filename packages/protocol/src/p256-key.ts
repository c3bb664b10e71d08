import { ECDH } from 'node:crypto';
import type { PublicJwk } from '@tallystick/dpop';
import { fault } from './read.ts';

/** A public key on P-256, for key agreement or signatures. */
export type P256Key = PublicJwk & { readonly kty: 'EC'; readonly crv: 'P-256' };

/**
 * Reads a public key on P-256, and nothing else that a JWK may say. Its coordinates are in the one form of RFC 7518
 * §6.2.1, since two forms of one key have two thumbprints, and it is a point on the curve.
 *
 * @throws {TallystickError} `protocol_error`
 */
export function readP256Key(value: unknown, what: string): P256Key {
  const { kty, crv, x, y } = (value ?? {}) as Record<string, unknown>;
  if (kty !== 'EC' || crv !== 'P-256' || !isCoordinate(x) || !isCoordinate(y)) {
    throw fault(what, 'has no public key on P-256');
  }
  const key: P256Key = { kty, crv, x, y };
  try {
    ECDH.convertKey(pointOf(key), 'prime256v1');
  } catch {
    throw fault(what, 'has a key that is no point on P-256');
  }
  return key;
}

function isCoordinate(value: unknown): value is string {
  return (
    typeof value === 'string' && value.length === 43 && Buffer.from(value, 'base64url').toString('base64url') === value
  );
}

/** Returns a key as an uncompressed point (SEC 1 §2.3.3). */
function pointOf({ x, y }: P256Key): Buffer {
  return Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
}
