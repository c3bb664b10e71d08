import { TallystickError } from './errors.ts';

/** One line of a revocation list. Times in seconds since the epoch; a line may be dropped after `until`. */
export type Revocation =
  /** One token, or those that are bound to one certificate. */
  | { readonly kind: 'jti'; readonly value: string; readonly until: number }
  /** Every token bound to one key. */
  | { readonly kind: 'jkt'; readonly value: string; readonly until: number }
  /** Every token of one subject issued before an instant. */
  | { readonly kind: 'sub'; readonly value: string; readonly before: number; readonly until: number };

/** The claims of a revocation list, a JWT of type `tallystick-revocations+jwt`. */
export interface RevocationList {
  readonly iss: string;
  readonly iat: number;
  /** After this instant the list says nothing about what was revoked since. */
  readonly exp: number;
  readonly revoked: readonly Revocation[];
}

/**
 * Reads the claims of a revocation list whose signature has been verified. Lines of a kind it does not know are
 * refused, not skipped: skipping one would accept what was revoked.
 *
 * @throws {TallystickError} `protocol_error`
 */
export function parseRevocationList(claims: Readonly<Record<string, unknown>>): RevocationList {
  const { iss, iat, exp, revoked } = claims;
  if (typeof iss !== 'string' || !isTime(iat) || !isTime(exp) || !Array.isArray(revoked)) {
    throw new TallystickError('protocol_error', 'a revocation list needs iss, iat, exp and revoked');
  }
  return { iss, iat, exp, revoked: revoked.map(parseRevocation) };
}

function parseRevocation(line: unknown): Revocation {
  const { kind, value, until, before } = (line ?? {}) as Record<string, unknown>;
  if (typeof value === 'string' && isTime(until)) {
    if (kind === 'jti' || kind === 'jkt') return { kind, value, until };
    if (kind === 'sub' && isTime(before)) return { kind, value, before, until };
  }
  throw new TallystickError('protocol_error', 'a line of the revocation list is not understood');
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** Answers whether a token is on a list. */
export interface RevocationIndex {
  revokes(token: RevocableToken): boolean;
}

/** What lists of revocations go by. */
export interface RevocableToken {
  readonly jti?: string | undefined;
  /** Thumbprint of the key that it is bound to, or was given to. */
  readonly jkt?: string | undefined;
  /** Lease id of the certificate that it is bound to: a token ends with that. */
  readonly certificate?: string | undefined;
  readonly sub: string;
  /** In seconds. */
  readonly iat: number;
}

// A token issued in the same second as the revocation counts as issued before it, and so does one without an `iat`.
function isIssuedBefore(iat: number, before: number | undefined): boolean {
  return before !== undefined && !(Math.floor(iat) > before);
}

/** Returns an index over the lines of a list, each look-up in constant time. */
export function indexRevocations(revoked: readonly Revocation[]): RevocationIndex {
  const jtis = new Set<string>();
  const jkts = new Set<string>();
  const subs = new Map<string, number>();
  for (const line of revoked) {
    if (line.kind === 'jti') jtis.add(line.value);
    else if (line.kind === 'jkt') jkts.add(line.value);
    else subs.set(line.value, Math.max(line.before, subs.get(line.value) ?? line.before));
  }
  return {
    revokes: ({ jti, jkt, certificate, sub, iat }) =>
      (jti !== undefined && jtis.has(jti)) ||
      (certificate !== undefined && jtis.has(certificate)) ||
      (jkt !== undefined && jkts.has(jkt)) ||
      isIssuedBefore(iat, subs.get(sub)),
  };
}
