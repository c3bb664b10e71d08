/**
 * Returns the `htu` of a request to `url`: without query and fragment (RFC 9449 §4.2).
 *
 * @throws {TypeError} The URL is not absolute, is neither https nor http, or carries user information.
 */
export function htuOf(url: string | URL): string {
  const parsed = typeof url === 'string' ? new URL(url) : url;
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') throw new TypeError('"url" must be https or http');
  if (parsed.username !== '' || parsed.password !== '') throw new TypeError('"url" must not carry user information');
  return parsed.origin + parsed.pathname;
}

/**
 * Returns the form of an `htu` that two equal ones share, by RFC 3986 §6.2.2 and §6.2.3 as RFC 9449 §4.3 step 9
 * asks, or undefined where it must be refused: control characters, white space, a backslash, user information, a
 * host that is not in its canonical form (`0x7f.1`), a scheme other than https and http.
 *
 * Query and fragment are dropped.
 */
export function normalizeHtu(text: string): string | undefined {
  if (text.length > 2048 || !/^[\x21-\x7e]+$/.test(text) || text.includes('\\')) return undefined;
  const authority = /^https?:\/\/([^/?#]*)/i.exec(text)?.[1];
  if (authority === undefined || authority.includes('@') || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  // WHATWG rewrites hosts such as 0x7f.1 to 127.0.0.1; RFC 3986 does not call those equal.
  const host = authority.replace(/:\d*$/, '').toLowerCase();
  if (host !== url.hostname) return undefined;
  return url.origin + normalizePath(url.pathname);
}

/** True when two `htu` name the same target. False when either must be refused. */
export function sameHtu(a: string, b: string): boolean {
  if (a === b && PLAIN.test(a)) return true;
  const left = normalizeHtu(a);
  return left !== undefined && left === normalizeHtu(b);
}

const PLAIN = /^https?:\/\/[a-z0-9.-]+(:[1-9]\d*)?\/[A-Za-z0-9/_~-]*$/;
const UNRESERVED = /[A-Za-z0-9._~-]/;

function normalizePath(path: string): string {
  return path.replace(/%[0-9a-f]{2}/gi, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return UNRESERVED.test(character) ? character : escape.toUpperCase();
  });
}
