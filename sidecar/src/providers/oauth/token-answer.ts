import { isClaimText, TallystickError } from '@tallystick/core';
import { parseScope } from '@tallystick/protocol';
import type { Made } from '../provider.ts';
import { jsonOf, type UpstreamAnswer } from '../upstream-http.ts';
import { showToken, type ShownToken } from './shown-token.ts';

/** What a token must be, to be handed out. */
export interface TokenExpectation {
  /** Name of the provider. */
  readonly name: string;
  /** Thumbprint of the key whose proof went with the request. */
  readonly jkt: string;
  readonly audience: string | undefined;
  /** Scope values that were asked for, which an answer without `scope` grants (RFC 6749 §5.1). */
  readonly scope: readonly string[];
  readonly isExchange: boolean;
  readonly lifetimeMs: number;
  readonly nowMs: number;
}

const WHAT = 'the token request';
// RFC 9449 §7.1 token68: nothing that could end the Authorization header early.
const TOKEN_68 = /^[A-Za-z0-9._~+/-]{1,16384}=*$/;
// Past it, what Date can hold is near; no token lives thirty years.
const MAX_EXPIRES_IN = 1_000_000_000;
const ACCESS_TOKENS: readonly unknown[] = [
  'urn:ietf:params:oauth:token-type:access_token',
  'urn:ietf:params:oauth:token-type:jwt',
];

/**
 * Reads the answer of a token endpoint (RFC 6749 §5.1). A token that is not bound to the key of the proof is refused
 * (RFC 9449 §5), as far as that can be seen; whatever else is in the answer, such as a refresh token, is dropped.
 *
 * @throws {TallystickError} `upstream_unbound`, `upstream_answer_invalid`
 */
export function readTokenAnswer(answer: UpstreamAnswer, expected: TokenExpectation): Made {
  const { name, jkt, nowMs } = expected;
  const members = jsonOf(name, WHAT, answer);
  const { access_token: token, token_type: type, issued_token_type: issued } = members;
  if (typeof type !== 'string' || typeof token !== 'string') throw invalid(name, 'without a token and its type');
  if (type.toLowerCase() !== 'dpop') throw unbound(name, 'a token that is bound to no key');
  if (!TOKEN_68.test(token)) throw invalid(name, 'with a token that no header can carry');
  if (expected.isExchange && !ACCESS_TOKENS.includes(issued)) {
    throw invalid(name, 'with something other than an access token');
  }
  const shown = showToken(token);
  if (shown && shown.jkt !== jkt) throw unbound(name, 'a token that is bound to another key, or to none');
  if (shown && expected.audience !== undefined && !shown.audiences.includes(expected.audience)) {
    throw new TallystickError('upstream_answer_invalid', `"${name}" gave a token for another audience`, {
      remedy: `let the authorization server put "${expected.audience}" into "aud" of its tokens`,
    });
  }
  const endMs = endOf(members.expires_in, shown, expected);
  if (!(endMs > nowMs)) throw invalid(name, 'with a token that has no time to live');
  return {
    material: { token, audience: expected.audience ?? '', scope: scopeOf(members.scope ?? shown?.scope, expected) },
    expiresAtMs: Math.min(endMs, nowMs + expected.lifetimeMs),
    handles: isClaimText(shown?.jti) ? { jti: shown.jti } : {},
  };
}

/** When it ends, by whichever of the two says so first, milliseconds since the epoch; NaN where neither does. */
function endOf(expiresIn: unknown, shown: ShownToken | undefined, { nowMs }: TokenExpectation): number {
  const byClaim = shown?.exp === undefined ? Infinity : shown.exp * 1000;
  if (expiresIn === undefined) return byClaim === Infinity ? Number.NaN : byClaim;
  if (typeof expiresIn !== 'number' || !(expiresIn > 0 && expiresIn <= MAX_EXPIRES_IN)) return Number.NaN;
  return Math.min(nowMs + expiresIn * 1000, byClaim);
}

function scopeOf(given: unknown, { name, scope }: TokenExpectation): string {
  if (given === undefined) return scope.join(' ');
  try {
    if (typeof given === 'string') return (parseScope(given) ?? []).join(' ');
  } catch {
    // Said below.
  }
  throw invalid(name, 'with a scope that is none');
}

function unbound(name: string, what: string): TallystickError {
  return new TallystickError('upstream_unbound', `"${name}" gave ${what}`);
}

function invalid(name: string, how: string): TallystickError {
  return new TallystickError('upstream_answer_invalid', `"${name}" answered ${WHAT} ${how}`);
}
