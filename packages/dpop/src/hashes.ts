import { hash } from 'node:crypto';

/** Returns the `ath` claim for an access token: base64url SHA-256 of its ASCII text (RFC 9449 §4.2). */
export function accessTokenHash(token: string): string {
  return hash('sha256', token, 'base64url');
}

/**
 * Returns the `bth` claim for a request body: base64url SHA-256 of its exact bytes. Ours: RFC 9449 §11.7 leaves
 * the body unprotected.
 */
export function bodyHash(body: string | Uint8Array): string {
  return hash('sha256', body, 'base64url');
}
