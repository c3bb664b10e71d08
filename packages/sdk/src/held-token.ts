import { Secret, TallystickError, type AccessTokenCredential, type Clock } from '@tallystick/core';
import { accessTokenHash } from '@tallystick/dpop';
import type { EntitledCredential, TokenResponse } from '@tallystick/protocol';

/** A token in memory, with what using it needs. */
export interface HeldToken {
  /** Frozen: what a caller is given. */
  readonly credential: AccessTokenCredential;
  /** The value of `Authorization`. */
  readonly authorization: Secret;
  readonly ath: string;
  /** Monotonic instant before the request for it was sent: it is not older than that. */
  readonly askedAtMs: number;
  /** Monotonic instant at which it should be replaced. */
  readonly refreshAtMs: number;
  /** Monotonic instant, and by the wall clock, from which it is not used. Whichever comes first. */
  readonly endsAtMs: number;
  readonly endsAtWallMs: number;
}

/** Two instants of one moment. */
export interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** Returns this moment. */
export function momentOf(clock: Clock): Moment {
  return { monotonicMs: clock.monotonicMs(), wallMs: clock.nowMs() };
}

/** `exp` counts whole seconds, and a request takes time: a token is not sent in its last second. */
const MARGIN_MS = 1000;

/** True while a token may be sent. Both clocks must agree: one can be set back, the other stands still in a suspended machine. */
export function isUsable(held: HeldToken, clock: Clock): boolean {
  return clock.monotonicMs() < held.endsAtMs && clock.nowMs() < held.endsAtWallMs;
}

/**
 * Returns the token of an answer.
 *
 * @param asked The moment before it was asked for: the token's seconds count from its making, which was later.
 * @throws {TallystickError} `protocol_error`: it is worthless, or it shows that it is bound to another key.
 * `identity_mismatch`: it shows that it is for another identity.
 */
export function holdToken(
  entitlement: EntitledCredential,
  response: TokenResponse,
  asked: Moment,
  holder: { readonly id: string; readonly jkt: string },
): HeldToken {
  const lifetimeMs = response.expiresIn * 1000;
  if (!(lifetimeMs > 0))
    throw new TallystickError('protocol_error', 'the sidecar gave a token that has already expired');
  requireOurs(response.accessToken, holder);
  const expiresAtMs = asked.wallMs + lifetimeMs;
  const marginMs = Math.min(MARGIN_MS, lifetimeMs / 4);
  const untilRotationMs = Math.min(response.rotateAt.getTime() - asked.wallMs, lifetimeMs);
  return {
    credential: Object.freeze<AccessTokenCredential>({
      name: entitlement.name,
      type: 'access-token',
      binding: 'dpop',
      delivery: 'plain',
      leaseId: response.leaseId,
      rotateAt: response.rotateAt,
      expiresAt: new Date(expiresAtMs),
      token: new Secret(response.accessToken),
      audience: entitlement.audience ?? '',
      scope: response.scope,
    }),
    authorization: new Secret(`DPoP ${response.accessToken}`),
    ath: accessTokenHash(response.accessToken),
    askedAtMs: asked.monotonicMs,
    // A rotation instant that has passed must not make every use a request to the sidecar.
    refreshAtMs: asked.monotonicMs + Math.max(untilRotationMs, marginMs),
    endsAtMs: asked.monotonicMs + lifetimeMs - marginMs,
    endsAtWallMs: expiresAtMs - marginMs,
  };
}

// The token is the API's to verify; what it shows openly is held against what was asked for.
function requireOurs(token: string, { id, jkt }: { readonly id: string; readonly jkt: string }): void {
  const claims = openClaims(token);
  if (claims === undefined) return;
  const bound = (claims.cnf as { jkt?: unknown } | undefined)?.jkt;
  if (bound !== undefined && bound !== jkt)
    throw new TallystickError('protocol_error', 'the sidecar gave a token that is bound to another key');
  if (claims.sub !== undefined && claims.sub !== id) {
    throw new TallystickError('identity_mismatch', 'the sidecar gave a token of another identity');
  }
}

function openClaims(token: string): Readonly<Record<string, unknown>> | undefined {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1]!, 'base64url').toString());
    return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
