import type { ErrorCode, TallystickError } from '@tallystick/core';

/**
 * True when the sidecar says that this workload may not have what it asked for. Then also what is held is given up;
 * any other failure leaves it good until it expires.
 */
export function isRefusal(error: TallystickError): boolean {
  return REFUSALS.has(error.code);
}

const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'identity_unknown',
  'identity_ambiguous',
  'identity_mismatch',
  'identity_suspended',
  'identity_expired',
  'not_entitled',
  'credential_unknown',
  'credential_revoked',
  'invalid_target',
  'invalid_scope',
  'assurance_too_low',
]);
