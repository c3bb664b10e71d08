import type { Clock } from '@tallystick/core';
import { judgeProof, readProof, type NonceSource, type Proof } from '@tallystick/dpop';
import { Fault } from './fault.ts';
import type { ReplayGuard } from './replay-guard.ts';

/** What the proof of a request must have been made for. */
export interface ProofTarget {
  readonly method: string;
  readonly url: string;
  /** Hash of the token that it comes with. */
  readonly ath: string;
  /** The key that the token is bound to. */
  readonly jkt: string;
}

/** Checks proofs. */
export interface ProofCheck {
  /**
   * Returns undefined or a promise of it, when the proof is good.
   *
   * @param header The values of the `DPoP` header, one for each header line.
   * @throws {ProofError}
   * @throws {Fault} `proof_nonce`, `proof_replayed`, `replay_store_unavailable`
   */
  check(header: readonly string[], target: ProofTarget): undefined | Promise<void>;
}

/** By how much the `iat` of a proof may differ from our clock. */
export interface ProofWindow {
  readonly pastSeconds: number;
  readonly futureSeconds: number;
}

/** The inputs of {@link createProofCheck}. */
export interface ProofCheckOptions {
  readonly window: ProofWindow;
  /** Present: each proof has one of its nonces, which says when it was made (RFC 9449 §11.1). */
  readonly nonces: NonceSource | undefined;
  readonly guard: ReplayGuard;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** Returns the check of proofs (RFC 9449 §4.3, §7.1). */
export function createProofCheck({ window, nonces, guard, clock }: ProofCheckOptions): ProofCheck {
  const isKnown = (proof: Proof): boolean => proof.nonce !== undefined && nonces?.stepOf(proof.nonce) !== undefined;
  return {
    check(header, { method, url, ath, jkt }) {
      const proof = readProof(header);
      // A nonce we gave out tells when the proof was made; the clock of the client then does not matter.
      const iat = nonces ? undefined : { now: clock.nowMs() / 1000, ...window };
      judgeProof(proof, { method, url, ath, jkt, iat });
      if (nonces && !isKnown(proof)) {
        throw new Fault('proof_nonce', 'the proof needs the nonce of the DPoP-Nonce header');
      }
      return guard.pass(proof);
    },
  };
}
