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

/**
 * Returns the claims of a JWT by which nothing but the trust in the federation is tried. Policies find what they look
 * for, and an environment that is nobody's.
 */
export function trialClaims(subject: string, audience: string, nowMs: number): Readonly<Record<string, unknown>> {
  return {
    ...subjectClaims(subject, audience, nowMs),
    tallystick: { lease: 'none', owner: 'tallystick', environment: 'check' },
  };
}

/** Returns the claims that every JWT of the federation has, but for those that the signer adds. */
export function subjectClaims(sub: string, aud: string, nowMs: number): Readonly<Record<string, unknown>> {
  const iat = Math.floor(nowMs / 1000);
  return { sub, aud, iat, exp: iat + LIFETIME_SECONDS };
}
