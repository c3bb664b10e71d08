import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgeRedirect, MAX_REDIRECTS, type Redirect } from '../src/redirect.ts';

const judge = (
  status: number,
  location: string | null,
  request: { method?: string; redirect?: 'follow' | 'error' | 'manual'; replayable?: boolean; url?: string } = {},
  count = 0,
): Redirect => {
  const { method = 'GET', redirect = 'follow', replayable = true, url = 'https://a.example/x/y#part' } = request;
  return judgeRedirect({ status, location }, { url: new URL(url), method, redirect, replayable }, count);
};

describe('fetch standard, HTTP-redirect fetch', () => {
  test.each([
    [301, 'POST', 'GET', true],
    [302, 'POST', 'GET', true],
    [301, 'PUT', 'PUT', false],
    [302, 'DELETE', 'DELETE', false],
    [303, 'POST', 'GET', true],
    [303, 'PUT', 'GET', true],
    [303, 'HEAD', 'HEAD', false],
    [303, 'GET', 'GET', false],
    [307, 'POST', 'POST', false],
    [308, 'PATCH', 'PATCH', false],
  ])('step 12: %i turns %s into %s', (status, method, next, dropBody) => {
    expect(judge(status, '/z', { method })).toMatchObject({ kind: 'follow', method: next, dropBody });
  });

  test.each([200, 300, 304, 305, 306, 401, 500])('%i is no redirect', (status) => {
    expect(judge(status, '/z')).toEqual({ kind: 'none' });
  });

  test('step 4: without Location the answer is the last one', () => {
    expect(judge(302, null)).toEqual({ kind: 'none' });
  });

  test('step 3: Location is relative to the request, and keeps its fragment where it has none', () => {
    expect(judge(302, 'z?q=1')).toMatchObject({ url: new URL('https://a.example/x/z?q=1#part') });
    expect(judge(302, '/z#own')).toMatchObject({ url: new URL('https://a.example/z#own') });
  });

  test.each(['http://[', 'ftp://a.example/', 'javascript:0', 'data:,x'])(
    'steps 5 and 6: %s is a network error',
    (location) => {
      expect(judge(302, location)).toMatchObject({ kind: 'fail' });
    },
  );

  test('step 7: the twenty-first redirect is a network error', () => {
    expect(judge(302, '/z', {}, MAX_REDIRECTS - 1)).toMatchObject({ kind: 'follow' });
    expect(judge(302, '/z', {}, MAX_REDIRECTS)).toMatchObject({ kind: 'fail' });
  });

  test('step 9: user information in Location is a network error', () => {
    expect(judge(302, 'https://user:pass@a.example/')).toMatchObject({ kind: 'fail' });
  });

  test('step 11: a stream follows none but 303', () => {
    expect(judge(307, '/z', { method: 'POST', replayable: false })).toMatchObject({ kind: 'fail' });
    expect(judge(302, '/z', { method: 'POST', replayable: false })).toMatchObject({ kind: 'fail' });
    expect(judge(303, '/z', { method: 'POST', replayable: false })).toMatchObject({ kind: 'follow', dropBody: true });
  });

  test('redirect: "manual" returns the answer, "error" is a network error', () => {
    expect(judge(302, '/z', { redirect: 'manual' })).toEqual({ kind: 'none' });
    expect(judge(302, null, { redirect: 'error' })).toMatchObject({ kind: 'fail' });
    expect(judge(200, null, { redirect: 'error' })).toEqual({ kind: 'none' });
  });

  test.each([
    ['https://a.example/z', false],
    ['https://a.example:443/z', false],
    ['//a.example/z', false],
    ['http://a.example/z', true],
    ['https://a.example:8443/z', true],
    ['https://b.a.example/z', true],
    ['//b.example/z', true],
    ['\\\\b.example/z', true],
  ])('%s leaves the URL origin: %s', (location, crossOrigin) => {
    expect(judge(307, location)).toMatchObject({ crossOrigin });
  });
});

test('whatever Location says, a redirect that is not called cross-origin stays on the origin', () => {
  const piece = fc.constantFrom(
    '/',
    '//',
    '\\',
    'a.example',
    'b.example',
    'https:',
    'http:',
    '@',
    ':443',
    ':80',
    '?',
    '#',
    '..',
    '\t',
    'a.example.b',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const redirect = judge(307, pieces.join(''));
      if (redirect.kind === 'follow' && !redirect.crossOrigin) expect(redirect.url.origin).toBe('https://a.example');
    }),
  );
});
