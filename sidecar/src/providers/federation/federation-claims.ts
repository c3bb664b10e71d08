import type { MintOrder } from '../provider.ts';

/** How long a JWT of the federation may be used, seconds: once, at once, with some minutes for clocks that differ. */
const LIFETIME_SECONDS = 300;

/**
 * Returns what a cloud is told of the one that a credential is for. `sub` is the identity; what policies and logs there
 * may use besides stands under `tallystick`, in the names that access tokens have for it.
 */
export function federationClaims(
  { leaseId, identity, process }: Pick<MintOrder, 'leaseId' | 'identity' | 'process'>,
  audience: string,
  nowMs: number,
): Readonly<Record<string, unknown>> {
  return {
    ...subjectClaims(identity.id, audience, nowMs),
    tallystick: {
      lease: leaseId,
      owner: identity.owner.id,
      environment: identity.environment,
      ...(process && { process: process.id }),
      ...(process?.run !== undefined && { run: process.run }),
    },
  };
}

/** Returns the claims of a JWT by which nothing but the trust in the federation is tried. */
export function subjectClaims(subject: string, audience: string, nowMs: number): Readonly<Record<string, unknown>> {
  const now = Math.floor(nowMs / 1000);
  return { sub: subject, aud: audience, iat: now, exp: now + LIFETIME_SECONDS };
}
