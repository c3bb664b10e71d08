import { hash } from 'node:crypto';

/** What AWS takes for a session name and a source identity (STS API, `RoleSessionName`, `SourceIdentity`). */
const MAX_LENGTH = 64;
/** 128 bits in base64url. */
const DIGEST_LENGTH = 22;

/**
 * Returns the `SourceIdentity` of a SPIFFE ID: `spiffe://acme.example/payments/close-batch` becomes
 * `payments+close-batch@acme.example`. One that is longer than the 64 characters that AWS takes is cut, and ends in `=`
 * and a digest. Two SPIFFE IDs never give the same: neither `+`, `@` nor `=` is in one (SPIFFE-ID §2), so what a policy
 * denies by it is denied to that identity alone.
 */
export function sourceIdentityOf(spiffeId: string): string {
  const [trustDomain = '', ...segments] = spiffeId.slice('spiffe://'.length).split('/');
  const whole = `${segments.join('+')}@${trustDomain}`;
  return whole.length <= MAX_LENGTH ? whole : shortened(whole, spiffeId, MAX_LENGTH);
}

/**
 * Returns the `RoleSessionName` of a lease: its id, then as much of the end of the workload's path as fits:
 * `ls_01KAQ5TV9Z8G4W2J6R7N3M5P0X@payments+close-batch`. It stands in the ARN of the session, and so in every event of CloudTrail.
 */
export function sessionNameOf(leaseId: string, spiffeId: string): string {
  const path = spiffeId.split('/').slice(3).join('+');
  return `${leaseId}@${path.slice(leaseId.length + 1 - MAX_LENGTH)}`;
}

/** Returns the beginning of `text`, `=` and a digest of `original`: `length` characters. */
export function shortened(text: string, original: string, length: number): string {
  const digest = hash('sha256', original, 'base64url').slice(0, DIGEST_LENGTH);
  return `${text.slice(0, length - DIGEST_LENGTH - 1)}=${digest}`;
}
