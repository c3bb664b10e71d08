import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { screen, workloadHosts, type ScreenedRequest, type ScreenRules } from '../../src/listen/screen.ts';

const ISSUER = 'https://tallystick.acme.example';
const workload: ScreenRules = {
  hosts: workloadHosts(ISSUER),
  methods: undefined,
  forwarded: false,
  query: false,
  limits: { headerFields: 64, bodyBytes: 65_536 },
};

function request(parts: Partial<ScreenedRequest> & { headers?: Record<string, string> } = {}): ScreenedRequest {
  const headers: Record<string, string> = { host: 'localhost', ...parts.headers };
  return {
    method: 'POST',
    url: '/token',
    httpVersion: '1.1',
    rawHeaders: Object.entries(headers).flat(),
    ...parts,
    headers,
  };
}
const codeOf = (parts: Parameters<typeof request>[0], rules = workload): string | undefined =>
  screen(request(parts), rules)?.code;

describe('what a plain client sends goes on', () => {
  test.each([
    ['node:http and curl over the socket', { host: 'localhost' }],
    ['a fetch that maps the issuer’s origin to the socket', { host: 'tallystick.acme.example' }],
    ['one that names a port', { host: 'localhost:80' }],
    ['one that shouts', { host: 'TALLYSTICK.acme.example' }],
    [
      'undici, which says how a browser would fetch',
      { 'sec-fetch-mode': 'cors', accept: '*/*', 'user-agent': 'undici' },
    ],
    ['traced calls', { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', baggage: 'a=b' }],
    ['a body of the largest size', { 'content-length': '65536' }],
    ['a body of unknown size', { 'transfer-encoding': 'chunked' }],
  ])('%s', (_, headers) => {
    expect(codeOf({ headers: headers as Record<string, string> })).toBeUndefined();
  });
});

describe('traces of a browser or a proxy are refused, whatever they say', () => {
  test('Origin, Referer, Forwarded, Via and every X-Forwarded-*', () => {
    const suffix = fc.stringMatching(/^[a-z-]{0,12}$/);
    const name = fc.oneof(
      fc.constantFrom('origin', 'referer', 'forwarded', 'via'),
      suffix.map((text) => `x-forwarded-${text}`),
    );
    fc.assert(
      fc.property(name, fc.string(), (field, value) => {
        expect(codeOf({ headers: { [field]: value } })).toBe('forwarded_refused');
      }),
    );
  });

  test('also with an empty value, and with the right host', () => {
    expect(codeOf({ headers: { origin: '' } })).toBe('forwarded_refused');
    expect(codeOf({ headers: { origin: ISSUER, host: 'tallystick.acme.example' } })).toBe('forwarded_refused');
  });

  test('but not where a proxy may stand', () => {
    expect(
      codeOf({ headers: { 'x-forwarded-for': '192.0.2.1', via: '1.1 lb' } }, { ...workload, forwarded: true }),
    ).toBeUndefined();
  });
});

describe('Host', () => {
  test('no other than the issuer’s and localhost', () => {
    const known = (host: string): boolean =>
      ['localhost', 'tallystick.acme.example'].includes(host.toLowerCase().replace(/:\d*$/, ''));
    const host = fc.oneof(
      fc.domain(),
      fc.ipV4(),
      fc.ipV6().map((ip) => `[${ip}]`),
      fc.string(),
    );
    fc.assert(
      fc.property(
        host.filter((text) => !known(text)),
        (text) => {
          expect(codeOf({ headers: { host: text } })).toBe('host_refused');
        },
      ),
    );
  });

  test.each([
    'tallystick.acme.example.evil.example',
    'xtallystick.acme.example',
    'localhost.evil.example',
    'localhost, localhost',
    'localhost@evil.example',
    'localhost/',
    '',
  ])('%j is refused', (host) => {
    expect(codeOf({ headers: { host } })).toBe('host_refused');
  });

  test('is required', () => {
    expect(screen({ ...request(), headers: {} }, workload)?.code).toBe('invalid_request');
  });

  test('of an issuer with a port needs that port', () => {
    const rules = { ...workload, hosts: workloadHosts('https://issuer.example:8443') };
    expect(codeOf({ headers: { host: 'issuer.example:8443' } }, rules)).toBeUndefined();
    expect(codeOf({ headers: { host: 'issuer.example' } }, rules)).toBe('host_refused');
    expect(codeOf({ headers: { host: 'issuer.example:443' } }, rules)).toBe('host_refused');
  });
});

describe('the message', () => {
  test.each([
    ['a query', { url: '/token?a=b' }],
    ['an empty query', { url: '/jwks?' }],
    ['an absolute target', { url: 'http://localhost/token' }],
    ['an asterisk', { method: 'OPTIONS', url: '*' }],
    ['an authority', { method: 'CONNECT', url: 'localhost:80' }],
    ['no target', { url: '' }],
    ['HTTP/1.0', { httpVersion: '1.0' }],
    ['HTTP/2.0', { httpVersion: '2.0' }],
    ['a transfer coding beside chunked', { headers: { 'transfer-encoding': 'gzip, chunked' } }],
    ['a transfer coding twice', { headers: { 'transfer-encoding': 'chunked, chunked' } }],
  ])('%s is refused', (_, parts) => {
    expect(codeOf(parts)).toBe('invalid_request');
  });

  test('a query may be taken where that is said', () => {
    expect(codeOf({ url: '/metrics?name=a' }, { ...workload, query: true })).toBeUndefined();
  });

  test('more header fields than the limit, and a longer body, are refused before they are looked at', () => {
    const many = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`x-${i}`, 'v']));
    expect(codeOf({ headers: many })).toBe('body_too_large');
    expect(codeOf({ headers: { 'content-length': '65537' } })).toBe('body_too_large');
    expect(codeOf({ headers: { 'content-length': '9'.repeat(400) } })).toBe('body_too_large');
  });

  test('of a read-only listener is GET or HEAD', () => {
    const rules = { ...workload, methods: ['GET', 'HEAD'] };
    expect(codeOf({ method: 'GET' }, rules)).toBeUndefined();
    expect(codeOf({ method: 'HEAD' }, rules)).toBeUndefined();
    for (const method of ['POST', 'get', 'TRACE', undefined])
      expect(codeOf({ method }, rules)).toBe('method_not_allowed');
  });

  test('whatever it is, is judged without a throw', () => {
    const text = fc.string({ maxLength: 12 });
    fc.assert(
      fc.property(text, text, text, fc.dictionary(text, text, { maxKeys: 4 }), (method, url, httpVersion, headers) => {
        const fault = screen({ method, url, httpVersion, headers, rawHeaders: [] }, workload);
        if (!fault) expect(url.startsWith('/')).toBe(true);
      }),
    );
  });
});
