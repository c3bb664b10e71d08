import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isLoopbackHost, longestUsePrefix, parseUsePrefix, type UsePrefix } from '../src/index.ts';

function prefix(text: string): UsePrefix {
  const parsed = parseUsePrefix(text);
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed;
}
const covers = (text: string, url: string): boolean => longestUsePrefix([prefix(text)], new URL(url)) !== undefined;

describe('parseUsePrefix', () => {
  test.each([
    ['https://ledger.acme.example', 'https://ledger.acme.example', []],
    ['https://ledger.acme.example/', 'https://ledger.acme.example', []],
    ['HTTPS://Ledger.Acme.Example:443/', 'https://ledger.acme.example', []],
    ['https://ledger.acme.example:8443/v1', 'https://ledger.acme.example:8443', ['v1']],
    ['https://ledger.acme.example/v1/journals/', 'https://ledger.acme.example', ['v1', 'journals']],
    ['https://ledger.acme.example/v1.2/a..b/.c', 'https://ledger.acme.example', ['v1.2', 'a..b', '.c']],
    ['http://127.0.0.1:8080/x', 'http://127.0.0.1:8080', ['x']],
    ['http://[::1]:8080/', 'http://[::1]:8080', []],
  ])('takes %s', (text, origin, segments) => {
    expect(parseUsePrefix(text)).toEqual({ text, origin, segments });
  });

  test.each([
    ['', /not an absolute/],
    ['/v1', /not an absolute/],
    ['ledger.acme.example/v1', /not an absolute/],
    ['https:ledger.acme.example', /not an absolute/],
    ['https:/ledger.acme.example', /not an absolute/],
    ['https:///ledger.acme.example', /not an absolute/],
    ['ftp://ledger.acme.example', /not an absolute/],
    ['blob:https://ledger.acme.example/x', /not an absolute/],
    ['https://', /not an absolute/],
    ['https://a:99999/', /not an absolute/],
    ['http://ledger.acme.example', /must be https/],
    ['http://localhost:8080', /must be https/],
    ['http://127.0.0.1.evil.example', /must be https/],
    ['https://user@ledger.acme.example', /user information/],
    ['https://:secret@ledger.acme.example', /user information/],
    ['https://ledger.acme.example/?x=1', /query/],
    ['https://ledger.acme.example?', /query/],
    ['https://ledger.acme.example/*', /\*/],
    ['https://*.acme.example/', /\*/],
    ['https://ledger.acme.example/#', /query/],
    ['https://ledger.acme.example/a/../b', /relative/],
    ['https://ledger.acme.example/a/.', /relative/],
    ['https://ledger.acme.example//a', /empty path segment/],
    ['https://ledger.acme.example/a//b', /empty path segment/],
    ['https://ledger.acme.example/a//', /empty path segment/],
    ['https://ledger.acme.example\\a', /backslash/],
    ['https://ledger.acme.example/a%2Fb', /encoded/],
    ['https://ledger.acme.example/a%5cb', /encoded/],
    ['https://ledger.acme.example/%2e%2E/b', /encoded/],
    ['https://ledger.acme.example/a/..;/b', /encoded/],
    [' https://ledger.acme.example', /white space/],
    ['https://ledger.acme.example/a\tb', /white space/],
    ['\u0001https://ledger.acme.example', /control/],
    ['https://ledger.acme.example/\u007f', /control/],
  ])('refuses %j', (text, fault) => {
    expect(parseUsePrefix(text)).toMatch(fault);
  });
});

describe('longestUsePrefix', () => {
  test.each([
    ['https://a.example/v1', 'https://a.example/v1'],
    ['https://a.example/v1', 'https://a.example/v1/'],
    ['https://a.example/v1/', 'https://a.example/v1'],
    ['https://a.example/v1', 'https://a.example/v1/x?y=/z#w'],
    ['https://a.example', 'https://a.example/anything/at/all'],
    ['https://a.example', 'https://a.example:443/x'],
    ['https://a.example:443', 'https://a.example/x'],
    ['https://A.EXAMPLE/v1', 'https://a.example/v1'],
    ['https://a.example', 'https://a.example/a%2Fb'],
    ['https://a.example/v1', 'https://a.example/x/../v1/y'],
    ['https://a.example/v1', 'https://a.example/v1%20/../v1/y'],
  ])('%s covers %s', (text, url) => {
    expect(covers(text, url)).toBe(true);
  });

  test.each([
    ['another scheme', 'https://127.0.0.1/', 'http://127.0.0.1/'],
    ['another port', 'https://a.example/', 'https://a.example:444/'],
    ['another host', 'https://a.example/', 'https://b.example/'],
    ['a longer host', 'https://a.example/', 'https://a.example.evil/'],
    ['a subdomain', 'https://a.example/', 'https://x.a.example/'],
    ['a trailing dot', 'https://a.example/', 'https://a.example./'],
    ['user information that looks like the host', 'https://a.example/', 'https://a.example@evil.example/'],
    ['user information', 'https://a.example/', 'https://user@a.example/'],
    ['a password', 'https://a.example/', 'https://:p@a.example/'],
    ['a blob URL, whose origin is that of its page', 'https://a.example/', 'blob:https://a.example/1f'],
    ['a part of a segment', 'https://a.example/v1', 'https://a.example/v10'],
    ['another case in the path', 'https://a.example/v1', 'https://a.example/V1'],
    ['a path above', 'https://a.example/v1/x', 'https://a.example/v1'],
    ['a dot segment that leads out', 'https://a.example/v1', 'https://a.example/v1/../admin'],
    ['an encoded dot segment that leads out', 'https://a.example/v1', 'https://a.example/v1/%2e%2E/admin'],
    ['a backslash that leads out', 'https://a.example/v1', 'https://a.example/v1/..\\../admin'],
    ['an encoded slash after it', 'https://a.example/v1', 'https://a.example/v1/..%2fadmin'],
    ['an encoded slash inside it', 'https://a.example/v1/x', 'https://a.example/v1%2Fx'],
    ['an encoded backslash', 'https://a.example/v1', 'https://a.example/v1/..%5Cadmin'],
    ['an encoded dot', 'https://a.example/v1', 'https://a.example/v1/%2e%2e%2e'],
    ['a path parameter that hides a dot segment', 'https://a.example/v1', 'https://a.example/v1/..;/admin'],
    ['an empty segment before it', 'https://a.example/v1', 'https://a.example//v1'],
    ['an encoding of its letters', 'https://a.example/v1', 'https://a.example/%761'],
  ])('does not cover %s', (_what, text, url) => {
    expect(covers(text, url)).toBe(false);
  });

  test('picks the longest, whatever the order', () => {
    const [all, v1, deep, other] = [
      'https://a.example',
      'https://a.example/v1',
      'https://a.example/v1/x',
      'https://b.example/v1/x/y',
    ].map(prefix);
    fc.assert(
      fc.property(fc.shuffledSubarray([all!, v1!, deep!, other!], { minLength: 4 }), (prefixes) => {
        expect(longestUsePrefix(prefixes, new URL('https://a.example/v1/x/y'))).toBe(deep);
        expect(longestUsePrefix(prefixes, new URL('https://a.example/v1/y'))).toBe(v1);
        expect(longestUsePrefix(prefixes, new URL('https://a.example/x'))).toBe(all);
        expect(longestUsePrefix(prefixes, new URL('https://c.example/v1/x'))).toBeUndefined();
      }),
    );
  });

  const segment = fc.oneof(
    fc.constantFrom('v1', 'x', '..', '.', '%2e%2e', '..%2f', '..;', '\\..', '', '%2F', 'é'),
    fc.webSegment(),
  );
  const path = fc.array(segment, { maxLength: 5 }).map((segments) => `/${segments.join('/')}`);
  const host = fc.constantFrom(
    'a.example',
    'A.Example',
    'a.example:443',
    'a.example:444',
    'b.example',
    'a.example.evil',
    'x@a.example',
    '[::1]',
    '127.0.0.1',
  );

  test('never covers another origin, whatever the path', () => {
    fc.assert(
      fc.property(fc.constantFrom('https', 'http', 'wss'), host, path, (scheme, at, where) => {
        const text = `${scheme}://${at}${where}`;
        fc.pre(URL.canParse(text));
        const url = new URL(text);
        const found = longestUsePrefix([prefix('https://a.example'), prefix('https://a.example/v1')], url);
        if (found) expect(url.origin).toBe('https://a.example');
        if (found) expect(url.username).toBe('');
      }),
      { numRuns: 500 },
    );
  });

  test('what it covers stays below the prefix under every reading of the path: once, twice and thrice decoded', () => {
    fc.assert(
      fc.property(path, (where) => {
        const url = new URL(`https://a.example${where}`);
        if (longestUsePrefix([prefix('https://a.example/v1')], url) === undefined) return;
        let reading = url.pathname;
        for (let i = 0; i < 3; i++) {
          expect(
            new URL(reading.replaceAll('\\', '/').replaceAll(/;[^/]*/g, ''), 'https://a.example').pathname,
          ).toMatch(/^\/v1(\/|$)/);
          try {
            reading = decodeURIComponent(reading);
          } catch {
            return;
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('isLoopbackHost', () => {
  test.each(['127.0.0.1', '127.255.255.254', '127.0.1.1', '[::1]', '::1'])('%s is', (host) => {
    expect(isLoopbackHost(host)).toBe(true);
  });

  test.each([
    '',
    'localhost',
    '127.0.0.1.evil.example',
    '127.0.0',
    '127.1',
    '127.0.0.256',
    '127.0.0.01',
    '0x7f.0.0.1',
    '128.0.0.1',
    '0.0.0.0',
    '[::]',
    '[::ffff:127.0.0.1]',
    '::2',
    ' 127.0.0.1',
    '127.0.0.1\n',
  ])('%j is not', (host) => {
    expect(isLoopbackHost(host)).toBe(false);
  });
});
