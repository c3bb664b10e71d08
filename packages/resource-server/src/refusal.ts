import { TallystickError } from '@tallystick/core';
import { answerTo, type RefusalReason } from './reason.ts';

/** What a {@link Refusal} is made of. */
export interface RefusalOptions {
  readonly reason: RefusalReason;
  readonly description: string;
  /** Header fields of the answer, beside those that every refusal has. */
  readonly headers: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/**
 * That a request is not accepted, together with the exact answer to give. Its `code` is one of `token_missing`,
 * `invalid_request`, `invalid_token`, `invalid_proof`, `proof_replayed`, `use_dpop_nonce`, `insufficient_scope`, or,
 * with the status 503, `keys_unavailable`, `revocations_unavailable`, `introspection_unavailable`,
 * `replay_store_unavailable`.
 */
export class Refusal extends TallystickError {
  /** Which check failed. For logs; clients go by {@link Refusal.error}. */
  readonly reason: RefusalReason;
  /** The HTTP status of the answer: 400, 401, 403 or 503. */
  readonly status: number;
  /** The OAuth `error` of the answer; undefined for a request without credentials (RFC 6750 §3.1). */
  readonly error: string | undefined;
  /** The header fields of the answer, `WWW-Authenticate` among them where there is a challenge. */
  readonly headers: Readonly<Record<string, string>>;

  constructor({ reason, description, headers, cause }: RefusalOptions) {
    const { status, code, error } = answerTo(reason);
    super(code, description, { cause });
    this.name = 'Refusal';
    this.reason = reason;
    this.status = status;
    this.error = error;
    this.headers = Object.freeze({
      ...headers,
      'Cache-Control': 'no-store',
      ...(error !== undefined && { 'Content-Type': 'application/json' }),
      ...(status === 503 && { 'Retry-After': '1' }),
    });
  }

  /** The body of the answer: JSON with `error` and `error_description`, or empty for a request without credentials. */
  get body(): string {
    if (this.error === undefined) return '';
    return JSON.stringify({ error: this.error, error_description: this.description });
  }

  /** Returns the answer as a Web `Response`. */
  toResponse(): Response {
    return new Response(this.body === '' ? null : this.body, { status: this.status, headers: this.headers });
  }

  /** True for an error of this class. Recognised by its shape, as `instanceof` fails across two installed copies. */
  static override is(error: unknown): error is Refusal {
    return TallystickError.is(error) && error.name === 'Refusal';
  }
}
