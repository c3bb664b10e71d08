import { sameHtu } from './htu.ts';
import { ProofError } from './proof-fault.ts';
import type { Proof } from './read-proof.ts';

/** What a proof must have been made for. */
export interface ProofExpectation {
  readonly method: string;
  /** The target as the server knows itself, never as `Host` says. Query and fragment do not count. */
  readonly url: string;
  /** The expected `ath`; undefined where no access token goes with the request. */
  readonly ath?: string | undefined;
  /** The expected `bth`; undefined where the body need not be bound. */
  readonly bth?: string | undefined;
  /** The key that must have signed. */
  readonly jkt?: string | undefined;
  /**
   * Judges `iat`, and `exp` and `nbf` where the proof has them; absent where a nonce proves freshness (RFC 9449
   * §11.1), as the holder's clock then says nothing. `now` in seconds since the epoch.
   */
  readonly iat?: { readonly now: number; readonly pastSeconds: number; readonly futureSeconds: number } | undefined;
}

/**
 * Judges what a proof was made for (RFC 9449 §4.3 steps 8, 9, 11 and 12). Nonce and replay are left to the caller,
 * who has the state for them.
 *
 * @throws {ProofError}
 */
export function judgeProof(proof: Proof, expected: ProofExpectation): void {
  if (proof.htm !== expected.method) throw new ProofError('htm', '"htm" is not the method of the request');
  if (!sameHtu(proof.htu, expected.url)) throw new ProofError('htu', `"htu" is not ${expected.url}`);
  if (expected.ath !== undefined && proof.ath !== expected.ath) {
    throw new ProofError('ath', '"ath" is not the hash of the access token');
  }
  if (expected.bth !== undefined && proof.bth !== expected.bth) {
    throw new ProofError('bth', '"bth" is not the hash of the request body');
  }
  if (expected.jkt !== undefined && proof.jkt !== expected.jkt) {
    throw new ProofError('key', 'the proof was signed by another key than the token is bound to');
  }
  if (expected.iat) judgeTime(proof, expected.iat);
}

function judgeTime(proof: Proof, { now, pastSeconds, futureSeconds }: NonNullable<ProofExpectation['iat']>): void {
  const age = now - proof.iat;
  // Asked this way round, a bound that is not a number refuses.
  if (!(age <= pastSeconds)) throw new ProofError('iat', `"iat" is ${Math.round(age)} s in the past`);
  if (!(-age <= futureSeconds)) throw new ProofError('iat', `"iat" is ${Math.round(-age)} s in the future`);
  if (proof.exp !== undefined && proof.exp <= now) throw new ProofError('exp', '"exp" has passed');
  if (proof.nbf !== undefined && proof.nbf > now + futureSeconds) throw new ProofError('nbf', '"nbf" is not reached');
}
