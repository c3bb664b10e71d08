import { TallystickError, type ErrorCode, type TallystickErrorOptions } from '@tallystick/core';
import { refusalOf, retryAfterMsOf, type UpstreamAnswer } from '../upstream-http.ts';

interface Meaning {
  readonly code: ErrorCode;
  /** Undefined: that of the code. */
  readonly remedy?: string;
}

/** What each `error` of a token endpoint stands for (RFC 6749 §5.2, RFC 8693 §2.2.2, RFC 9449 §5). */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  invalid_client: { code: 'upstream_login_refused' },
  unauthorized_client: { code: 'upstream_login_refused', remedy: 'let the client use this grant, upstream' },
  invalid_grant: {
    // What it does not trust is one workload's JWT: the client itself it knows.
    code: 'upstream_denied',
    remedy: 'let the authorization server trust the JWTs of "federation.url" for this client, and know their subject',
  },
  unsupported_grant_type: { code: 'upstream_denied', remedy: 'turn the grant on, upstream, or correct "grant"' },
  invalid_scope: { code: 'upstream_denied', remedy: 'give the client the scope upstream, or correct "scope"' },
  invalid_target: { code: 'upstream_denied', remedy: 'let the client ask for this audience upstream, or correct it' },
  access_denied: { code: 'upstream_denied' },
  invalid_request: {
    code: 'upstream_denied',
    remedy: 'compare "grant", "audience" and "indicator" of the credential with what the client may do upstream',
  },
  invalid_dpop_proof: {
    code: 'upstream_denied',
    remedy: 'compare the clocks of this host and of the authorization server; it must take ES256 proofs',
  },
  temporarily_unavailable: { code: 'upstream_unavailable' },
  server_error: { code: 'upstream_failed' },
};

/** An extension of the server's own (RFC 6749 §8.5): what it says may be anything. */
const OTHER: Meaning = { code: 'upstream_denied', remedy: 'look into the log of the authorization server' };

/** Returns the `error` of an answer; undefined where it has none. */
export function oauthErrorOf({ text }: UpstreamAnswer): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === 'string' ? error : undefined;
  } catch {
    return undefined;
  }
}

/** True where an answer says that the client is not the one that it says it is, or may not ask at all. */
export function isClientRefusal(answer: UpstreamAnswer): boolean {
  const error = oauthErrorOf(answer);
  return error !== undefined && Object.hasOwn(MEANINGS, error) && MEANINGS[error]!.code === 'upstream_login_refused';
}

/** Who asked for a token, and when. */
export interface RefusedRequest {
  /** Name of the provider. */
  readonly name: string;
  /** True where the client is one for all credentials: that it is refused says something of the provider. */
  readonly isSharedClient: boolean;
  readonly nowMs: number;
}

/** Returns the error that a refused token request stands for. Of the answer, only an `error` that is known is in it. */
export function tokenRefusalOf(
  answer: UpstreamAnswer,
  { name, isSharedClient, nowMs }: RefusedRequest,
): TallystickError {
  const { status } = answer;
  const error = status >= 400 && status < 500 && status !== 429 ? oauthErrorOf(answer) : undefined;
  if (error === undefined || error === 'use_dpop_nonce') return refusalOf(name, 'the token request', answer, nowMs);
  const isKnown = Object.hasOwn(MEANINGS, error);
  const meaning = isKnown ? MEANINGS[error]! : OTHER;
  const retryAfterMs = retryAfterMsOf(answer, nowMs);
  const options: TallystickErrorOptions = {
    ...(meaning.remedy !== undefined && { remedy: meaning.remedy }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
  const code = meaning.code === 'upstream_login_refused' && !isSharedClient ? 'upstream_denied' : meaning.code;
  return new TallystickError(
    code,
    `"${name}" answered ${isKnown ? error : 'an error of its own'} to the token request`,
    options,
  );
}
