import { TallystickError, type ErrorCode } from '@tallystick/core';

/** Why a proof is refused, one name for each rule, so that a test can tell the right refusal from a lucky one. */
export type ProofFault =
  | 'missing'
  | 'multiple'
  | 'oversize'
  | 'malformed'
  | 'typ'
  | 'alg'
  | 'crit'
  | 'jwk'
  | 'private_jwk'
  | 'signature'
  | 'jti'
  | 'htm'
  | 'htu'
  | 'iat'
  | 'exp'
  | 'nbf'
  | 'ath'
  | 'bth'
  | 'key'
  | 'nonce'
  | 'replayed';

const CODES: Partial<Record<ProofFault, ErrorCode>> = { nonce: 'use_dpop_nonce', replayed: 'proof_replayed' };

/** A refused proof. Its code is `invalid_proof`, `proof_replayed` or `use_dpop_nonce`. */
export class ProofError extends TallystickError {
  readonly fault: ProofFault;

  constructor(fault: ProofFault, description: string) {
    super(CODES[fault] ?? 'invalid_proof', description);
    this.fault = fault;
  }
}
