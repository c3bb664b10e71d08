import { TallystickError } from '@tallystick/core';
import { jsonOf, type UpstreamAnswer } from './upstream-http.ts';

/** A bearer token as a cloud gives it. */
export interface BearerToken {
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /** All members of the answer. */
  readonly members: Readonly<Record<string, unknown>>;
}

// What a header can carry, and no more than some clouds' tokens with many groups are long.
const TOKEN_68 = /^[A-Za-z0-9._~+/-]{1,16384}=*$/;
/** No cloud gives a token for more than a day. */
const MAX_EXPIRES_IN = 86_400;

/** True for what an `Authorization` header can carry as a bearer token (RFC 6750 §2.1). */
export function isBearerToken(value: unknown): value is string {
  return typeof value === 'string' && TOKEN_68.test(value);
}

/**
 * Reads the answer of a token endpoint that gives bearer tokens (RFC 6749 §5.1).
 *
 * @throws {TallystickError} `upstream_answer_invalid`
 */
export function readBearerAnswer(name: string, what: string, answer: UpstreamAnswer, askedAtMs: number): BearerToken {
  const members = jsonOf(name, what, answer);
  const { access_token: token, token_type: type, expires_in: seconds } = members;
  const invalid = (how: string): TallystickError =>
    new TallystickError('upstream_answer_invalid', `"${name}" answered ${what} ${how}`);
  if (!isBearerToken(token)) throw invalid('without a token that a header can carry');
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') throw invalid('with a token that is no bearer');
  const isTime = Number.isSafeInteger(seconds) && (seconds as number) > 0 && (seconds as number) <= MAX_EXPIRES_IN;
  if (!isTime) throw invalid('without the time that its token has to live');
  return { token, expiresAtMs: askedAtMs + (seconds as number) * 1000, members };
}
