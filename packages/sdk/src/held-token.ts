import { Secret, TallystickError, type AccessTokenCredential } from '@tallystick/core';
import { accessTokenHash, type HolderKey } from '@tallystick/dpop';
import type { EntitledCredential, TokenResponse } from '@tallystick/protocol';
import { termsOf, type HeldCredential, type Moment } from './held-credential.ts';
import { openClaims } from './open-claims.ts';

/** A token in memory, with what using it needs. */
export interface HeldToken extends HeldCredential<AccessTokenCredential> {
  /** The value of `Authorization`. */
  readonly authorization: Secret;
  readonly ath: string;
  /** The key that it is bound to, and that its proofs are by. */
  readonly key: HolderKey;
}

/** Returns what using a token needs. */
export function useOf(token: string, key: HolderKey): Pick<HeldToken, 'authorization' | 'ath' | 'key'> {
  return { authorization: new Secret(`DPoP ${token}`), ath: accessTokenHash(token), key };
}

/**
 * Returns the token of an answer of `/token`.
 *
 * @param asked The moment before it was asked for: the token's seconds count from its making, which was later.
 * @throws {TallystickError} `protocol_error`: it is worthless, or it shows that it is bound to another key.
 * `identity_mismatch`: it shows that it is for another identity.
 */
export function holdToken(
  entitlement: EntitledCredential,
  response: TokenResponse,
  asked: Moment,
  holder: { readonly id: string; readonly key: HolderKey },
): HeldToken {
  const { accessToken, scope, leaseId, rotateAt } = response;
  const lifetimeMs = response.expiresIn * 1000;
  if (!(lifetimeMs > 0))
    throw new TallystickError('protocol_error', 'the sidecar gave a token that has already expired');
  requireOurs(accessToken, holder);
  return {
    credential: Object.freeze<AccessTokenCredential>({
      name: entitlement.name,
      type: 'access-token',
      binding: 'dpop',
      delivery: 'plain',
      leaseId,
      rotateAt,
      expiresAt: new Date(asked.wallMs + lifetimeMs),
      token: new Secret(accessToken),
      audience: entitlement.audience ?? '',
      scope,
    }),
    ...useOf(accessToken, holder.key),
    ...termsOf({ lifetimeMs, rotateAt }, asked),
  };
}

// The token is the API's to verify; what it shows openly is held against what was asked for.
function requireOurs(token: string, { id, key }: { readonly id: string; readonly key: HolderKey }): void {
  const { sub, jkt } = openClaims(token);
  if (jkt !== undefined && jkt !== key.jkt)
    throw new TallystickError('protocol_error', 'the sidecar gave a token that is bound to another key');
  if (sub !== undefined && sub !== id) {
    throw new TallystickError('identity_mismatch', 'the sidecar gave a token of another identity');
  }
}
