import type { ErrorCode } from '@tallystick/core';
import type { ProofFault } from '@tallystick/dpop';

/** How one kind of refusal is answered. */
interface Answer {
  readonly status: 400 | 401 | 403 | 503;
  readonly code: ErrorCode;
  /** The `error` of the challenge (RFC 6750 §3.1, RFC 9449 §7.1); absent where nothing may be said. */
  readonly error?: string;
}

const badRequest: Answer = { status: 400, code: 'invalid_request', error: 'invalid_request' };
const badToken: Answer = { status: 401, code: 'invalid_token', error: 'invalid_token' };
const badProof: Answer = { status: 401, code: 'invalid_proof', error: 'invalid_dpop_proof' };
const unavailable = (code: ErrorCode): Answer => ({ status: 503, code, error: 'temporarily_unavailable' });

const ANSWERS = {
  // RFC 6750 §3.1: a request without credentials learns what to send, and no error.
  no_credentials: { status: 401, code: 'token_missing' },
  multiple_authorization: badRequest,
  malformed_authorization: badRequest,
  bearer_with_proof: badRequest,
  target: badRequest,

  bearer: badToken,
  bound_as_bearer: badToken,
  token_malformed: badToken,
  token_typ: badToken,
  token_alg: badToken,
  token_issuer: badToken,
  token_key: badToken,
  token_signature: badToken,
  token_claims: badToken,
  token_audience: badToken,
  token_subject: badToken,
  token_expired: badToken,
  token_not_yet_valid: badToken,
  token_unbound: badToken,
  token_confirmation: badToken,
  // RFC 8705 §3
  certificate: badToken,
  token_revoked: badToken,
  token_inactive: badToken,
  // RFC 9449 §7.1: a token shown with another key than its own is a bad token, not a bad proof.
  proof_key: badToken,

  proof_nonce: { status: 401, code: 'use_dpop_nonce', error: 'use_dpop_nonce' },
  proof_replayed: { ...badProof, code: 'proof_replayed' },

  scope: { status: 403, code: 'insufficient_scope', error: 'insufficient_scope' },

  keys_unavailable: unavailable('keys_unavailable'),
  revocations_unavailable: unavailable('revocations_unavailable'),
  introspection_unavailable: unavailable('introspection_unavailable'),
  replay_store_unavailable: unavailable('replay_store_unavailable'),
} as const satisfies Record<string, Answer>;

/** Which check failed: one name for each, so that a log or a test can tell the right refusal from a lucky one. */
export type RefusalReason = keyof typeof ANSWERS | `proof_${ProofFault}`;

/** Returns how a refusal for `reason` is answered. */
export function answerTo(reason: RefusalReason): Answer {
  return (ANSWERS as Partial<Record<RefusalReason, Answer>>)[reason] ?? badProof;
}
