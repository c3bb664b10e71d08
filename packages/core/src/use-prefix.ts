/** A URL prefix that a credential may be sent to: a URL origin and whole path segments. */
export interface UsePrefix {
  /** The prefix as the configuration gives it. */
  readonly text: string;
  /** Scheme, host and port, as `URL.origin` gives it. */
  readonly origin: string;
  /** Path segments; none means every path of the origin. */
  readonly segments: readonly string[];
}

// What one server takes for a separator or a dot segment and the next does not, `..;` of servlet containers included.
const AMBIGUOUS = /\\|%2f|%5c|%2e|\/\.{1,2};/i;

/**
 * Parses a `use` prefix, such as `https://ledger.acme.example/v1`. A slash at its end makes no difference.
 *
 * @returns The prefix, or a sentence that says what is wrong with it.
 */
export function parseUsePrefix(text: string): UsePrefix | string {
  // oxlint-disable-next-line no-control-regex -- URL would drop them in silence
  if (AMBIGUOUS.test(text) || /[\s\x00-\x1f\x7f]/.test(text)) {
    return 'it has a backslash, white space, a control character, or an encoded "/", "\\" or "."';
  }
  const url = /^https?:\/\/[^/]/i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (!url) return 'it is not an absolute https URL';
  if (url.protocol !== 'https:' && !isLoopbackHost(url.hostname)) {
    return 'it must be https, or http on a loopback address such as 127.0.0.1';
  }
  if (url.username !== '' || url.password !== '') return 'it carries user information';
  if (text.includes('*')) return 'it has a "*"; a prefix covers all that is below it without one';
  if (/[?#]/.test(text)) return 'it has a query or a fragment';
  if (/\/\.{1,2}(\/|$)/.test(text)) return 'it has a relative path segment';
  if (url.pathname.includes('//')) return 'it has an empty path segment';
  return { text, origin: url.origin, segments: url.pathname.split('/').filter((segment) => segment !== '') };
}

/**
 * Returns the longest of `prefixes` that covers `url`, or undefined. A URL whose path holds an encoded slash,
 * backslash or dot is covered by none that has a path: servers disagree on what it means.
 */
export function longestUsePrefix<T extends UsePrefix>(prefixes: readonly T[], url: URL): T | undefined {
  // A blob: URL has the origin of the page that made it.
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  if (url.username !== '' || url.password !== '') return undefined;
  const { origin, pathname } = url;
  const ambiguous = AMBIGUOUS.test(pathname);
  const segments = pathname.split('/').slice(1);
  let best: T | undefined;
  for (const prefix of prefixes) {
    if (prefix.origin !== origin || (ambiguous && prefix.segments.length > 0)) continue;
    if (best && best.segments.length >= prefix.segments.length) continue;
    if (prefix.segments.every((segment, i) => segment === segments[i])) best = prefix;
  }
  return best;
}

/**
 * True for hosts that are loopback by their literal: `127.0.0.0/8`, `::1` and `[::1]`, in canonical form. A name
 * such as `localhost` is not.
 */
export function isLoopbackHost(hostname: string): boolean {
  return LOOPBACK_4.test(hostname) || hostname === '[::1]' || hostname === '::1';
}

const LOOPBACK_4 = /^127(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/;
