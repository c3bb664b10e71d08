import { accessTokenHash } from '@tallystick/dpop';
import { Fault } from './fault.ts';

/** How a client shows its token (RFC 9449 §7.1, RFC 6750 §2.1). */
export type Scheme = 'DPoP' | 'Bearer';

/** The access token of a request, not yet looked into. */
export interface PresentedToken {
  readonly scheme: Scheme;
  readonly text: string;
  /** Base64url SHA-256 of the text: what `ath` has to be, and the name of the token in caches. */
  readonly hash: string;
}

/** The longest access token that is looked at, in characters. */
const MAX_TOKEN_LENGTH = 16_384;

// RFC 9110 §11.4 and token68 of §11.2.
const CREDENTIALS = /^([A-Za-z]+) +([A-Za-z0-9._~+/-]+=*)$/;

/**
 * Reads `Authorization`. A token in the query or the body is never looked for (RFC 9700 §4.3.2).
 *
 * @param authorization The values of the header, one for each header line.
 * @throws {Fault} `no_credentials` also for a scheme that is not ours; `multiple_authorization` (RFC 9449 §7.2);
 * `malformed_authorization`.
 */
export function readCredentials(authorization: readonly string[]): PresentedToken {
  if (authorization.length > 1) {
    throw new Fault('multiple_authorization', 'the request has more than one Authorization header');
  }
  const value = authorization[0]?.trim() ?? '';
  const scheme = schemeOf(value);
  if (scheme === undefined) throw new Fault('no_credentials', 'the request has no access token');
  const text = CREDENTIALS.exec(value)?.[2];
  if (text === undefined) {
    throw new Fault('malformed_authorization', `Authorization is not "${scheme}", a space and one token`);
  }
  if (text.length > MAX_TOKEN_LENGTH) {
    throw new Fault('malformed_authorization', `the access token is longer than ${MAX_TOKEN_LENGTH} characters`);
  }
  return { scheme, text, hash: accessTokenHash(text) };
}

function schemeOf(value: string): Scheme | undefined {
  const end = value.indexOf(' ');
  // RFC 9110 §11.1: a scheme is matched without case.
  switch ((end < 0 ? value : value.slice(0, end)).toLowerCase()) {
    case 'dpop':
      return 'DPoP';
    case 'bearer':
      return 'Bearer';
    default:
      return undefined;
  }
}
