import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { htuOf, normalizeHtu, sameHtu } from '../src/index.ts';

describe('htuOf: RFC 9449 §4.2', () => {
  test.each([
    ['https://a.example/x?y=1#z', 'https://a.example/x'],
    ['https://a.example', 'https://a.example/'],
    ['HTTPS://A.EXAMPLE:443/X', 'https://a.example/X'],
    ['https://a.example:8443/x', 'https://a.example:8443/x'],
    ['http://127.0.0.1:80/x', 'http://127.0.0.1/x'],
    ['https://a.example/a/../b', 'https://a.example/b'],
    ['https://a.example/é "', 'https://a.example/%C3%A9%20%22'],
    ['https://bücher.example/', 'https://xn--bcher-kva.example/'],
  ])('%s gives %s, as text and as URL', (url, htu) => {
    expect(htuOf(url)).toBe(htu);
    expect(htuOf(new URL(url))).toBe(htu);
  });

  test.each([
    '/x',
    'a.example/x',
    '',
    'ftp://a.example/',
    'blob:https://a.example/1',
    'unix:///run/x',
    'https://u@a.example/',
    'https://:p@a.example/',
  ])('%j has none', (url) => {
    expect(() => htuOf(url)).toThrow(TypeError);
    if (URL.canParse(url)) expect(() => htuOf(new URL(url))).toThrow(TypeError);
  });
});

describe('RFC 9449 §4.3 step 9: the table of WHATWG against RFC 3986', () => {
  test.each([
    ['§6.2.2.1, §6.2.3', 'HTTPS://A.EXAMPLE:443', 'https://a.example/', true],
    ['§6.2.3: an empty port', 'https://a.example:/x', 'https://a.example/x', true],
    ['§6.2.3: the default port of http', 'http://127.0.0.1:80/x', 'http://127.0.0.1/x', true],
    ['§6.2.2.3', 'https://a.example/a/%2e%2e/b', 'https://a.example/b', true],
    ['§6.2.2.3', 'https://a.example/a/./../b/.', 'https://a.example/b/', true],
    ['§6.2.2.2: where new URL() says no', 'https://a.example/%7Euser', 'https://a.example/~user', true],
    ['§6.2.2.1: where new URL() says no', 'https://a.example/x%2fy', 'https://a.example/x%2Fy', true],
    ['query and fragment', 'https://a.example/x?y#z', 'https://a.example/x?other', true],
    ['where new URL() says yes', 'https://a.example/a\\b', 'https://a.example/a/b', false],
    ['where new URL() says yes', 'https://a.example/a\tb', 'https://a.example/ab', false],
    ['where new URL() says yes', 'https://0x7f.1/', 'https://127.0.0.1/', false],
    ['where new URL() says yes', 'https://a.example/{x}', 'https://a.example/%7Bx%7D', false],
    ['where new URL() says yes', 'https:a.example/', 'https://a.example/', false],
    ['where new URL() says yes', ' https://a.example/', 'https://a.example/', false],
    ['where new URL() says yes', 'https://a.example:0443/', 'https://a.example/', false],
    ['where new URL() says yes', 'https://%61.example/', 'https://a.example/', false],
    ['a slash at the end', 'https://a.example/p/', 'https://a.example/p', false],
    ['a dot at the end of the host', 'https://a.example./', 'https://a.example/', false],
    ['the case of the path', 'https://a.example/P', 'https://a.example/p', false],
    ['another scheme', 'http://a.example/', 'https://a.example/', false],
    ['another port', 'https://a.example:444/', 'https://a.example/', false],
    ['the default port of the other scheme', 'http://a.example:443/', 'http://a.example/', false],
    ['a longer host', 'https://a.example.evil/', 'https://a.example/', false],
    ['an encoded slash is no slash', 'https://a.example/a%2Fb', 'https://a.example/a/b', false],
    ['an encoded percent sign is not decoded twice', 'https://a.example/%252e%252e/b', 'https://a.example/b', false],
    ['an empty segment', 'https://a.example//a', 'https://a.example/a', false],
  ])('%s: %j and %j: %s', (_rule, a, b, equal) => {
    expect(sameHtu(a, b)).toBe(equal);
    expect(sameHtu(b, a)).toBe(equal);
  });

  test.each([
    ['user information', 'https://u:p@a.example/'],
    ['user information', 'https://a.example@evil.example/'],
    ['a backslash', 'https://a.example/a\\b'],
    ['a backslash in the query', 'https://a.example/?a\\b'],
    ['a tab', 'https://a.example/a\tb'],
    ['a line feed at the end', 'https://a.example/a\n'],
    ['a NUL in the query', 'https://a.example/?\u0000'],
    ['a space', 'https://a.example/a b'],
    ['what is not ASCII', 'https://a.example/é'],
    ['a percent sign without two digits', 'https://a.example/100%'],
    ['a percent sign before an escape', 'https://a.example/%%32e'],
    ['another scheme', 'ftp://a.example/'],
    ['no scheme', '//a.example/'],
    ['no authority', 'https:///x'],
    ['no host', 'https://:443/x'],
    ['an escaped host', 'https://%61.example/'],
    ['a port that is no number', 'https://a.example:x/'],
    ['a port of zeros', 'https://a.example:00443/'],
    ['an open bracket', 'https://[::1/'],
    ['more than 2048 characters', `https://a.example/${'a'.repeat(2048)}`],
    ['nothing', ''],
  ])('%s is refused, also when both say the same: %j', (_what, text) => {
    expect(normalizeHtu(text)).toBeUndefined();
    expect(sameHtu(text, text)).toBe(false);
  });

  test('the query does not count against the length', () => {
    const long = `https://a.example/x?${'q'.repeat(5000)}`;
    expect(normalizeHtu(long)).toBe('https://a.example/x');
  });

  test('an IPv6 literal is compared without regard to case', () => {
    expect(sameHtu('https://[2001:DB8::1]:8443/x', 'https://[2001:db8::1]:8443/x')).toBe(true);
  });
});

const segment = fc.oneof(
  fc.constantFrom(
    '.',
    '..',
    '',
    '%2e',
    '%2E%2e',
    '%41',
    '%7e',
    '%2f',
    '%2F',
    '%c3%A9',
    '%25',
    '%252e',
    '%',
    '{',
    '..;',
    '~a',
    'a:b',
    '@',
    "'",
  ),
  fc.stringMatching(/^[!$-;=@A-Z_a-z~]{0,6}$/),
);
const htu = fc
  .tuple(
    fc.constantFrom('https', 'http', 'HTTPS'),
    fc.constantFrom('a.example', 'A.Example', 'xn--a', '127.0.0.1', '[::1]', 'a_b', 'u@a', ''),
    fc.constantFrom('', ':', ':443', ':80', ':8443', ':0', ':x'),
    fc.array(segment, { maxLength: 6 }),
    fc.constantFrom('', '?', '?q=/../x', '#f'),
  )
  .map(
    ([scheme, host, port, segments, rest]) =>
      `${scheme}://${host}${port}${segments.map((s) => `/${s}`).join('')}${rest}`,
  );
const anyText = fc.oneof(htu, fc.string(), fc.webUrl({ withQueryParameters: true, withFragments: true }));

describe('normalizeHtu, for any text', () => {
  test('equals a slow reading of RFC 3986', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(normalizeHtu(text)).toBe(slowNormalize(text));
      }),
      { numRuns: 2000 },
    );
  });

  test('is idempotent', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const once = normalizeHtu(text);
        if (once !== undefined) expect(normalizeHtu(once)).toBe(once);
      }),
      { numRuns: 1000 },
    );
  });

  test('sameHtu is the equality of normal forms: symmetric, and reflexive where there is one', () => {
    fc.assert(
      fc.property(anyText, anyText, fc.boolean(), (a, other, alike) => {
        const b = alike ? a : other;
        const [x, y] = [normalizeHtu(a), normalizeHtu(b)];
        expect(sameHtu(a, b)).toBe(x !== undefined && x === y);
        expect(sameHtu(b, a)).toBe(sameHtu(a, b));
        expect(sameHtu(a, a)).toBe(x !== undefined);
      }),
      { numRuns: 1000 },
    );
  });

  test('what a client makes of a URL by htuOf is the same target as the URL', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (url) => {
        expect(sameHtu(htuOf(url), new URL(url).href)).toBe(true);
      }),
    );
  });
});

/** RFC 3986 read character by character: §3 to take it apart, §6.2.2.2, §5.2.4 in its own words, §6.2.3. */
function slowNormalize(text: string): string | undefined {
  for (const c of text) if (c < '!' || c > '~' || c === '\\') return undefined;
  const colon = text.indexOf('://');
  const scheme = text.slice(0, colon).toLowerCase();
  if (colon < 0 || (scheme !== 'https' && scheme !== 'http')) return undefined;
  let rest = text.slice(colon + 3);
  let end = 0;
  while (end < rest.length && rest[end] !== '?' && rest[end] !== '#') end++;
  if (colon + 3 + end > 2048) return undefined;
  rest = rest.slice(0, end);
  const slash = rest.indexOf('/') < 0 ? rest.length : rest.indexOf('/');
  let host = rest.slice(0, slash).toLowerCase();
  let path = rest.slice(slash);
  let port = '';
  const portAt = host.indexOf(':', host.startsWith('[') ? host.indexOf(']') : 0);
  if (portAt >= 0) {
    port = host.slice(portAt + 1);
    host = host.slice(0, portAt);
  }
  const literal = host.startsWith('[') && host.endsWith(']') && host.length > 2;
  for (const c of literal ? host.slice(1, -1) : host) {
    if (!(literal ? '0123456789abcdef:.' : 'abcdefghijklmnopqrstuvwxyz0123456789._~-').includes(c)) return undefined;
  }
  if (host === '' || port.length > 5 || port.startsWith('0')) return undefined;
  for (const c of port) if (c < '0' || c > '9') return undefined;
  if (port === (scheme === 'https' ? '443' : '80')) port = '';

  let decoded = '';
  for (let i = 0; i < path.length; i++) {
    if (path[i] !== '%') {
      decoded += path[i]!;
      continue;
    }
    const hex = path.slice(i + 1, i + 3);
    if (
      hex.length < 2 ||
      !hex
        .toLowerCase()
        .split('')
        .every((c) => '0123456789abcdef'.includes(c))
    )
      return undefined;
    const c = String.fromCharCode(Number.parseInt(hex, 16));
    const unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || '-._~'.includes(c);
    decoded += unreserved ? c : `%${hex.toUpperCase()}`;
    i += 2;
  }

  // §5.2.4, 2A to 2E
  let input = decoded;
  let output = '';
  while (input !== '') {
    if (input.startsWith('/./')) input = input.slice(2);
    else if (input === '/.') input = '/';
    else if (input.startsWith('/../') || input === '/..') {
      input = input === '/..' ? '/' : input.slice(3);
      output = output.slice(0, Math.max(0, output.lastIndexOf('/')));
    } else {
      const next = input.indexOf('/', 1) < 0 ? input.length : input.indexOf('/', 1);
      output += input.slice(0, next);
      input = input.slice(next);
    }
  }
  path = output === '' ? '/' : output;
  return `${scheme}://${host}${port === '' ? '' : `:${port}`}${path}`;
}
