import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSpiffeId, isTrustDomain, parseSpiffeId, subjectMatches, TallystickError } from '../src/index.ts';

const ACCEPTED: readonly [id: string, trustDomain: string, path: string][] = [
  ['spiffe://example.org', 'example.org', ''],
  ['spiffe://a', 'a', ''],
  ['spiffe://1.2.3.4/service', '1.2.3.4', '/service'],
  ['spiffe://under_score-dash.dot', 'under_score-dash.dot', ''],
  ['spiffe://example.org/9eebccd2-12bf-40a6-b262-65fe0487d453', 'example.org', '/9eebccd2-12bf-40a6-b262-65fe0487d453'],
  ['spiffe://example.org/payments/MySQL', 'example.org', '/payments/MySQL'],
  ['spiffe://example.org/a_b-c.d/E', 'example.org', '/a_b-c.d/E'],
  ['spiffe://example.org/...', 'example.org', '/...'],
  ['spiffe://example.org/.hidden/..a', 'example.org', '/.hidden/..a'],
  [`spiffe://${'d'.repeat(255)}/x`, 'd'.repeat(255), '/x'],
  [`spiffe://example.org/${'p'.repeat(2048 - 21)}`, 'example.org', `/${'p'.repeat(2048 - 21)}`],
];

const REFUSED: readonly [rule: string, id: string, fault: RegExp][] = [
  ['§2: it has a scheme', '', /begin with "spiffe/],
  ['§2: the scheme is spiffe', 'https://example.org/x', /begin with "spiffe/],
  ['§2: the scheme is lower case, as IDs are compared by bytes', 'SPIFFE://example.org/x', /begin with "spiffe/],
  ['§2: an authority follows', 'spiffe:/example.org/x', /begin with "spiffe/],
  ['§2.1: the trust domain is not empty', 'spiffe://', /trust domain is empty/],
  ['§2.1: the trust domain is not empty before a path', 'spiffe:///path', /trust domain is empty/],
  ['§2.1: the trust domain is lower case', 'spiffe://Example.org/x', /only lower-case/],
  ['§2.1: the trust domain has no port', 'spiffe://example.org:443/x', /only lower-case/],
  ['§2.1: the trust domain has no user information', 'spiffe://user@example.org/x', /only lower-case/],
  ['§2.1: the trust domain is not percent-encoded', 'spiffe://ex%61mple.org/x', /only lower-case/],
  ['§2.1: the trust domain is ASCII', 'spiffe://exämple.org/x', /only lower-case/],
  ['§2.1: the trust domain is no IPv6 literal', 'spiffe://[::1]/x', /only lower-case/],
  ['§2.3: the trust domain has at most 255 bytes', `spiffe://${'d'.repeat(256)}`, /longer than 255/],
  ['§2.2: the path does not end in a slash', 'spiffe://example.org/', /segment is empty/],
  ['§2.2: the path does not end in a slash after a segment', 'spiffe://example.org/a/', /segment is empty/],
  ['§2.2: no segment is empty', 'spiffe://example.org/a//b', /segment is empty/],
  ['§2.2: no segment is "."', 'spiffe://example.org/a/./b', /segment is relative/],
  ['§2.2: no segment is ".."', 'spiffe://example.org/a/..', /segment is relative/],
  ['§2.2: the path is not percent-encoded', 'spiffe://example.org/a%2fb', /path segment may have only/],
  ['§2.2: the path is ASCII', 'spiffe://example.org/ü', /path segment may have only/],
  ['§2.2: the path has no white space', 'spiffe://example.org/a b', /path segment may have only/],
  ['§2.2: a line feed at the end is not overlooked', 'spiffe://example.org/a\n', /path segment may have only/],
  ['§2.2: the path has no backslash', 'spiffe://example.org/a\\b', /path segment may have only/],
  ['§2: there is no query', 'spiffe://example.org/a?b', /path segment may have only/],
  ['§2: there is no fragment', 'spiffe://example.org/a#b', /path segment may have only/],
  ['§2.3: the whole has at most 2048 bytes', `spiffe://example.org/${'p'.repeat(2048 - 20)}`, /longer than 2048/],
];

describe('SPIFFE-ID §2', () => {
  test.each(ACCEPTED)('accepts %s', (id, trustDomain, path) => {
    expect(parseSpiffeId(id)).toEqual({ id, trustDomain, path });
    expect(isSpiffeId(id)).toBe(true);
    expect(isTrustDomain(trustDomain)).toBe(true);
  });

  test.each(REFUSED)('%s', (_rule, id, fault) => {
    expect(isSpiffeId(id)).toBe(false);
    let error: unknown;
    try {
      parseSpiffeId(id);
    } catch (caught) {
      error = caught;
    }
    expect(TallystickError.is(error) && error.code).toBe('invalid_spiffe_id');
    expect((error as Error).message).toMatch(fault);
    expect((error as Error).message).toMatch(/^[\x20-\x7e]*$/);
  });

  test.each(['', 'Example.org', 'a/b', 'a:1', 'd'.repeat(256)])('%j is no trust domain', (text) => {
    expect(isTrustDomain(text)).toBe(false);
  });

  test('every ID of the grammar is accepted, and comes apart into what it was made of', () => {
    const trustDomain = fc.stringMatching(/^[a-z0-9._-]{1,40}$/);
    const segment = fc.stringMatching(/^[a-zA-Z0-9._-]{1,20}$/).filter((s) => s !== '.' && s !== '..');
    fc.assert(
      fc.property(trustDomain, fc.array(segment, { maxLength: 6 }), (domain, segments) => {
        const path = segments.map((s) => `/${s}`).join('');
        expect(parseSpiffeId(`spiffe://${domain}${path}`)).toMatchObject({ trustDomain: domain, path });
      }),
    );
  });

  test('arbitrary text is accepted or gives invalid_spiffe_id, nothing else', () => {
    const utf16 = fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units));
    const text = fc.oneof(
      utf16,
      fc.string().map((s) => `spiffe://a/${s}`),
    );
    fc.assert(
      fc.property(text, (id) => {
        try {
          expect(parseSpiffeId(id).id).toBe(id);
          expect(id).toMatch(/^spiffe:\/\/[a-z0-9._-]+(\/[a-zA-Z0-9._-]+)*$/);
        } catch (error) {
          if (!TallystickError.is(error)) throw error;
          expect(error.code).toBe('invalid_spiffe_id');
        }
      }),
    );
  });
});

describe('subjects', () => {
  test.each([
    ['spiffe://a.example/payments/', 'spiffe://a.example/payments/close', true],
    ['spiffe://a.example/payments/', 'spiffe://a.example/payments/eu/close', true],
    ['spiffe://a.example/', 'spiffe://a.example/x', true],
    ['spiffe://a.example/x', 'spiffe://a.example/x', true],
    ['spiffe://a.example', 'spiffe://a.example', true],
    // Not by characters
    ['spiffe://a.example/pay/', 'spiffe://a.example/payments/close', false],
    ['spiffe://a.example/payments/', 'spiffe://a.example/payments', false],
    ['spiffe://a.example/payments/', 'spiffe://a.example/payments/', false],
    ['spiffe://a.example/', 'spiffe://a.example', false],
    ['spiffe://a.example/x', 'spiffe://a.example/x/y', false],
    // Never over a trust domain
    ['spiffe://', 'spiffe://a.example/x', false],
    ['spiffe:/', 'spiffe://a.example/x', false],
    ['/', '/x', false],
    ['spiffe://a.example/', 'spiffe://a.example.evil/x', false],
    ['spiffe://a.example//', 'spiffe://a.example//x', false],
    // What only looks like an ID
    ['spiffe://a.example/payments/', 'spiffe://a.example/payments/../admin', false],
    ['spiffe://a.example/payments/', 'spiffe://a.example/payments/%2e%2e', false],
  ])('%s covers %s: %s', (pattern, id, covers) => {
    expect(subjectMatches(pattern, id)).toBe(covers);
  });
});
