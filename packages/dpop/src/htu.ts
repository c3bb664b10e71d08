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
 * asks, or undefined where it must be refused: control characters, white space, a backslash, a `%` without two hex
 * digits, user information, a scheme other than https and http, more than 2048 characters before the query.
 *
 * Query and fragment are dropped. WHATWG `URL` is not used: it calls `/a\b` and `/a/b`, `0x7f.1` and `127.0.0.1`
 * the same, and `/%7Ea` and `/~a` different.
 */
export function normalizeHtu(text: string): string | undefined {
  const parts = HTU.exec(text);
  if (!parts || parts[0].length > MAX_HTU_LENGTH) return undefined;
  const scheme = parts[1]!.toLowerCase();
  const port = parts[3] === undefined || parts[3] === DEFAULT_PORT[scheme] ? '' : `:${parts[3]}`;
  return `${scheme}://${parts[2]!.toLowerCase()}${port}${removeDotSegments(decodeUnreserved(parts[4]!)) || '/'}`;
}

/** True when two `htu` name the same target. False when either must be refused. */
export function sameHtu(a: string, b: string): boolean {
  if (a === b && a.length <= MAX_HTU_LENGTH && PLAIN.test(a)) return true;
  const left = normalizeHtu(a);
  return left !== undefined && left === normalizeHtu(b);
}

// Scheme, host (a name or an IP literal), port, path. What follows is dropped, but must be printable too.
const HTU = new RegExp(
  String.raw`^(https?)://([\w.~-]+|\[[0-9a-f:.]+\])(?::([1-9]\d{0,4})?)?` +
    String.raw`((?:/(?:[!-"$&->@-\[\]-~]|%[0-9a-f]{2})*)?)(?=$|[?#][!-\[\]-~]*$)`,
  'i',
);
// Two of these that are the same text need no more than that: most pairs are.
const PLAIN = /^https?:\/\/[a-z0-9.-]+(:[1-9]\d{0,4})?\/[\w./~-]*$/;
const MAX_HTU_LENGTH = 2048;
const DEFAULT_PORT: Readonly<Record<string, string>> = { http: '80', https: '443' };
const UNRESERVED = /[A-Za-z0-9._~-]/;

function decodeUnreserved(path: string): string {
  if (!path.includes('%')) return path;
  return path.replace(/%[0-9a-f]{2}/gi, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return UNRESERVED.test(character) ? character : escape.toUpperCase();
  });
}

/** RFC 3986 §5.2.4, for an absolute path. */
function removeDotSegments(path: string): string {
  if (!path.includes('/.')) return path;
  const kept: string[] = [];
  const segments = path.slice(1).split('/');
  for (const [i, segment] of segments.entries()) {
    if (segment !== '.' && segment !== '..') {
      kept.push(segment);
      continue;
    }
    if (segment === '..') kept.pop();
    if (i === segments.length - 1) kept.push('');
  }
  return `/${kept.join('/')}`;
}
