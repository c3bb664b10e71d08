/** A URL prefix that a credential may be sent to: a URL origin and whole path segments. */
export interface UsePrefix {
  /** The prefix as the configuration gives it. */
  readonly text: string;
  /** Scheme, host and port, as `URL.origin` gives it. */
  readonly origin: string;
  /** Path segments; none means every path of the origin. */
  readonly segments: readonly string[];
}

const FORBIDDEN = /[\\\s]|%2f|%5c|%2e/i;

/**
 * Parses a `use` prefix, such as `https://ledger.acme.example/v1/`.
 *
 * @returns The prefix, or a sentence that says what is wrong with it.
 */
export function parseUsePrefix(text: string): UsePrefix | string {
  if (FORBIDDEN.test(text)) return 'it has a backslash, white space, or an encoded "/", "\\" or "."';
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url) return 'it is not an absolute URL';
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackHost(url.hostname))) {
    return 'it must be https, or http on a loopback address such as 127.0.0.1';
  }
  if (url.username !== '' || url.password !== '') return 'it carries user information';
  if (url.search !== '' || url.hash !== '' || /[?#]/.test(text)) return 'it has a query or a fragment';
  if (/\/\.{1,2}(\/|$)/.test(text)) return 'it has a relative path segment';
  const segments = url.pathname.split('/').filter((segment) => segment !== '');
  return { text, origin: url.origin, segments };
}

/**
 * Returns the longest of `prefixes` that covers `url`, or undefined. A URL whose path holds an encoded slash,
 * backslash or dot, or a backslash, is covered by none that has a path: servers disagree on what it means.
 */
export function longestUsePrefix<T extends UsePrefix>(prefixes: readonly T[], url: URL): T | undefined {
  if (url.username !== '' || url.password !== '') return undefined;
  const odd = FORBIDDEN.test(url.pathname);
  const segments = url.pathname.split('/').slice(1);
  let best: T | undefined;
  for (const prefix of prefixes) {
    if (prefix.origin !== url.origin || (odd && prefix.segments.length > 0)) continue;
    if (best && best.segments.length >= prefix.segments.length) continue;
    if (prefix.segments.every((segment, i) => segment === segments[i])) best = prefix;
  }
  return best;
}

/** True for hosts that are loopback by their literal: `127.0.0.0/8` and `[::1]`. A name such as `localhost` is not. */
export function isLoopbackHost(hostname: string): boolean {
  return /^127(\.\d{1,3}){3}$/.test(hostname) || hostname === '[::1]' || hostname === '::1';
}
