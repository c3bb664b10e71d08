import { TallystickError } from './errors.ts';
import { printable } from './printable.ts';

/** A parsed SPIFFE ID. */
export interface SpiffeId {
  /** The whole ID, as given. */
  readonly id: string;
  /** Lower-case, no port, no user info. */
  readonly trustDomain: string;
  /** Empty for the trust domain itself, else begins with `/`. */
  readonly path: string;
}

const TRUST_DOMAIN = /^[a-z0-9._-]+$/;
const SEGMENT = /^[a-zA-Z0-9._-]+$/;

/**
 * Parses a SPIFFE ID by the rules of SPIFFE-ID §2: scheme `spiffe`, a trust domain of lower-case letters, digits,
 * dots, dashes and underscores (at most 255 bytes), a path whose segments are not empty, `.` or `..`, no query, no
 * fragment, no percent-encoding, at most 2048 bytes.
 *
 * @throws {TallystickError} `invalid_spiffe_id`
 * @see https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md
 */
export function parseSpiffeId(text: string): SpiffeId {
  const fault = faultOf(text);
  if (fault) {
    throw new TallystickError('invalid_spiffe_id', `"${printable(text)}" is not a SPIFFE ID: ${fault}`);
  }
  const slash = text.indexOf('/', SCHEME.length);
  return slash < 0
    ? { id: text, trustDomain: text.slice(SCHEME.length), path: '' }
    : { id: text, trustDomain: text.slice(SCHEME.length, slash), path: text.slice(slash) };
}

/** True when {@link parseSpiffeId} accepts `text`. */
export function isSpiffeId(text: string): boolean {
  return faultOf(text) === undefined;
}

/** True when `text` can be a trust domain's name. */
export function isTrustDomain(text: string): boolean {
  return text.length <= 255 && TRUST_DOMAIN.test(text);
}

/**
 * True when `id` is covered by `pattern`: a pattern that is a SPIFFE ID and `/` covers all SPIFFE IDs below it by
 * whole path segments, any other covers itself alone. `spiffe://` covers nothing: a trust domain is always named.
 */
export function subjectMatches(pattern: string, id: string): boolean {
  if (!pattern.endsWith('/')) return pattern === id;
  return id.startsWith(pattern) && isSpiffeId(pattern.slice(0, -1)) && isSpiffeId(id);
}

const SCHEME = 'spiffe://';

function faultOf(text: string): string | undefined {
  if (text.length > 2048) return 'it is longer than 2048 bytes';
  if (!text.startsWith(SCHEME)) return 'it does not begin with "spiffe://"';
  const [trustDomain = '', ...segments] = text.slice(SCHEME.length).split('/');
  if (trustDomain === '') return 'the trust domain is empty';
  if (trustDomain.length > 255) return 'the trust domain is longer than 255 bytes';
  if (!TRUST_DOMAIN.test(trustDomain)) {
    return 'the trust domain may have only lower-case letters, digits, ".", "-" and "_"';
  }
  for (const segment of segments) {
    if (segment === '') return 'a path segment is empty';
    if (segment === '.' || segment === '..') return 'a path segment is relative';
    if (!SEGMENT.test(segment)) return 'a path segment may have only letters, digits, ".", "-" and "_"';
  }
  return undefined;
}
