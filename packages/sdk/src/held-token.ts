import { Secret, TallystickError, type AccessTokenCredential, type X509Credential } from '@tallystick/core';
import { accessTokenHash, type HolderKey } from '@tallystick/dpop';
import type { EntitledCredential, TokenResponse } from '@tallystick/protocol';
import { certificateThumbprint } from './certificate-binding.ts';
import { termsOf, type HeldCredential, type Moment } from './held-credential.ts';
import { openClaims } from './open-claims.ts';

/** A token in memory, with what using it needs. */
export interface HeldToken extends HeldCredential<AccessTokenCredential> {
  /** The value of `Authorization`. */
  readonly authorization: Secret;
}

/** A token that is bound to a key: every request with it needs a proof. */
export interface ProvableToken extends HeldToken {
  readonly ath: string;
  /** The key that it is bound to, and that its proofs are by. */
  readonly key: HolderKey;
}

/** Returns what using a token that is bound to a key needs. */
export function useOf(token: string, key: HolderKey): Pick<ProvableToken, 'authorization' | 'ath' | 'key'> {
  return { authorization: new Secret(`DPoP ${token}`), ath: accessTokenHash(token), key };
}

/**
 * Returns the token of an answer of `/token`, bound to the key that asked.
 *
 * @param asked The moment before it was asked for: the token's seconds count from its making, which was later.
 * @throws {TallystickError} `protocol_error`: it is worthless, or it shows that it is bound to another key.
 * `identity_mismatch`: it shows that it is for another identity.
 */
export function holdToken(
  entitlement: EntitledCredential,
  response: TokenResponse,
  asked: Moment,
  { id, key }: { readonly id: string; readonly key: HolderKey },
): ProvableToken {
  const { accessToken } = response;
  const { sub, cnf } = openClaims(accessToken);
  if (cnf?.jkt !== undefined && cnf.jkt !== key.jkt)
    throw new TallystickError('protocol_error', 'the sidecar gave a token that is bound to another key');
  requireSubject(sub, id);
  return { ...shapeToken(entitlement, response, asked, 'dpop'), ...useOf(accessToken, key) };
}

/**
 * Returns the token of an answer of `/token`, bound to a certificate.
 *
 * @throws {TallystickError} As {@link holdToken}; `protocol_error` also where the token does not show that it is bound to
 * that certificate and to nothing else: shown as a Bearer token, it would then be good for whoever has it, or for nobody.
 */
export function holdBoundToken(
  entitlement: EntitledCredential,
  response: TokenResponse,
  asked: Moment,
  { id, certificate }: { readonly id: string; readonly certificate: X509Credential },
): HeldToken {
  const { accessToken } = response;
  const { sub, cnf = {} } = openClaims(accessToken);
  const { 'x5t#S256': x5t, ...others } = cnf;
  if (x5t !== certificateThumbprint(certificate) || Object.keys(others).length > 0) {
    throw new TallystickError(
      'protocol_error',
      'the sidecar gave a token that is bound to another certificate or to none',
    );
  }
  requireSubject(sub, id);
  return {
    ...shapeToken(entitlement, response, asked, 'mtls'),
    authorization: new Secret(`Bearer ${accessToken}`),
  };
}

function shapeToken(
  entitlement: EntitledCredential,
  { accessToken, scope, leaseId, rotateAt, expiresIn }: TokenResponse,
  asked: Moment,
  binding: 'dpop' | 'mtls',
): HeldCredential<AccessTokenCredential> {
  const lifetimeMs = expiresIn * 1000;
  if (!(lifetimeMs > 0))
    throw new TallystickError('protocol_error', 'the sidecar gave a token that has already expired');
  return {
    credential: Object.freeze<AccessTokenCredential>({
      name: entitlement.name,
      type: 'access-token',
      binding,
      delivery: 'plain',
      leaseId,
      rotateAt,
      expiresAt: new Date(asked.wallMs + lifetimeMs),
      token: new Secret(accessToken),
      audience: entitlement.audience ?? '',
      scope,
    }),
    ...termsOf({ lifetimeMs, rotateAt }, asked),
  };
}

// The token is the API's to verify; what it shows openly is held against what was asked for.
function requireSubject(sub: unknown, id: string): void {
  if (sub !== undefined && sub !== id) {
    throw new TallystickError('identity_mismatch', 'the sidecar gave a token of another identity');
  }
}
