import { JWT_TYPE, type Revocation } from '@tallystick/core';
import type { Signer } from './signer.ts';

/** How long a list may be relied on, in seconds: an API that cannot read a newer one then decides by its own policy. */
export const LIST_LIFETIME_SECONDS = 300;

/** Returns the signed revocation list, a JWT of type `tallystick-revocations+jwt`. */
export function mintRevocationList(signer: Signer, revoked: readonly Revocation[], now: number): Promise<string> {
  return signer.sign(
    JWT_TYPE.revocations,
    JSON.stringify({ iss: signer.issuer, iat: now, exp: now + LIST_LIFETIME_SECONDS, revoked }),
  );
}
