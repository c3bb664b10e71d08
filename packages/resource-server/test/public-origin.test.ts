import { describe, expect, test } from 'vitest';
import { Fault } from '../src/fault.ts';
import { parsePublicOrigins, targetOf, type PublicOriginOptions } from '../src/public-origin.ts';
import { openApi, proofOf, refusalOf } from './api.ts';

function target(
  origins: readonly (string | PublicOriginOptions)[],
  path: string,
  host = 'internal:8080',
  ...forwardedHost: string[]
): string {
  const facts = { method: 'GET', path, host: [host], forwardedHost, authorization: [], dpop: [] };
  try {
    return targetOf(parsePublicOrigins(origins), facts).url;
  } catch (error) {
    if (error instanceof Fault) return error.reason;
    throw error;
  }
}

const TWO = ['https://a.example', 'https://b.example'];

describe('the target of a request', () => {
  test('is below the only public origin, whatever the host says', () => {
    expect(target(['https://a.example'], '/v1/x', 'evil.example', 'evil.example')).toBe('https://a.example/v1/x');
    expect(target(['https://a.example:8443/'], '/v1/x')).toBe('https://a.example:8443/v1/x');
  });

  test('is below the one of several that Host names, in any case and with its default port', () => {
    expect(target(TWO, '/x', 'b.example')).toBe('https://b.example/x');
    expect(target(TWO, '/x', 'B.Example:443')).toBe('https://b.example/x');
    expect(target(TWO, '/x', 'b.example:8443')).toBe('target');
  });

  test('is below the one that X-Forwarded-Host names, where Host names none', () => {
    expect(target(TWO, '/x', 'internal:8080', 'b.example')).toBe('https://b.example/x');
    expect(target(TWO, '/x', 'a.example', 'b.example')).toBe('https://a.example/x');
  });

  test('is nowhere when no header names a public origin: none can be added', () => {
    expect(target(TWO, '/x')).toBe('target');
    expect(target(TWO, '/x', 'evil.example', 'evil.example')).toBe('target');
    expect(target(TWO, '/x', 'a.example.evil.example', '')).toBe('target');
  });

  test('is nowhere when two hops name two public origins', () => {
    expect(target(TWO, '/x', 'internal', 'a.example', 'b.example')).toBe('target');
    expect(target(TWO, '/x', 'internal', 'b.example', 'internal')).toBe('https://b.example/x');
  });

  test('has the path that a proxy took off, and not the one that it put there', () => {
    expect(target(['https://a.example/ledger'], '/v1/x')).toBe('https://a.example/ledger/v1/x');
    expect(target(['https://a.example/ledger/'], '/')).toBe('https://a.example/ledger/');
    const mapped = [{ url: 'https://a.example/ledger', internalPrefix: '/v2' }];
    expect(target(mapped, '/v2/x')).toBe('https://a.example/ledger/x');
    expect(target(mapped, '/v2')).toBe('https://a.example/ledger');
    expect(target(mapped, '/v20/x')).toBe('target');
    expect(target(mapped, '/x')).toBe('target');
  });

  test('is below the longest internal prefix that fits', () => {
    const mapped = [
      { url: 'https://a.example', internalPrefix: '/' },
      { url: 'https://a.example/two', internalPrefix: '/v2/' },
    ];
    expect(target(mapped, '/v2/x')).toBe('https://a.example/two/x');
    expect(target(mapped, '/v1/x')).toBe('https://a.example/v1/x');
  });

  test.each(['*', '', 'x', 'a.example:443'])('is nowhere when it is no path: %j', (path) => {
    expect(target(['https://a.example'], path)).toBe('target');
  });
});

describe('public origins', () => {
  test.each<[string, unknown]>([
    ['none', []],
    ['undefined', undefined],
    ['http', ['http://api.example']],
    ['http on a name that could be anybody', ['http://localhost:8080']],
    ['http on an address of the network', ['http://10.0.0.1']],
    ['no URL', ['ledger.acme.example']],
    ['another scheme', ['ftp://a.example']],
    ['a query', ['https://a.example/?x']],
    ['a fragment', ['https://a.example/#x']],
    ['user information', ['https://u:p@a.example']],
    ['two that are the same', ['https://a.example', 'https://A.example:443/']],
    ['two paths of one host, with nothing to tell them apart', ['https://a.example/one', 'https://a.example/two']],
    ['an internal prefix that is no path', [{ url: 'https://a.example', internalPrefix: 'v2' }]],
    ['an internal prefix that goes up', [{ url: 'https://a.example', internalPrefix: '/../v2?' }]],
  ])('cannot be %s', (_what, origins) => {
    expect(() => parsePublicOrigins(origins as string[])).toThrow('verifier_misconfigured');
  });

  test.each(['http://127.0.0.1:8080', 'http://127.1.2.3', 'http://[::1]:8080'])(
    'may be http on loopback: %s',
    (url) => {
      expect(target([url], '/x')).toBe(`${url}/x`);
    },
  );
});

describe('behind a proxy', () => {
  test('a proof for the public URL is good, one for the internal URL is not', async () => {
    const { verifier, key, token } = await openApi({ publicOrigins: ['https://api.acme.example/ledger'] });
    const request = (url: string): { method: string; url: string; rawHeaders: string[] } => ({
      method: 'GET',
      url: '/v1/entries',
      rawHeaders: ['Host', '10.0.0.7:8080', 'Authorization', `DPoP ${token}`, 'DPoP', proofOf(key, token, { url })],
    });
    await expect(verifier.verify(request('https://api.acme.example/ledger/v1/entries'))).resolves.toBeDefined();
    expect((await refusalOf(verifier, request('https://10.0.0.7:8080/v1/entries'))).reason).toBe('proof_htu');
    expect((await refusalOf(verifier, request('https://api.acme.example/v1/entries'))).reason).toBe('proof_htu');
  });

  test('a proof captured on one public origin is no good on another, though X-Forwarded-Host says so', async () => {
    const { verifier, key, token } = await openApi({ publicOrigins: TWO });
    const proof = proofOf(key, token, { url: 'https://a.example/v1/entries' });
    const headers = [
      'Host',
      'b.example',
      'X-Forwarded-Host',
      'a.example',
      'Authorization',
      `DPoP ${token}`,
      'DPoP',
      proof,
    ];
    const refusal = await refusalOf(verifier, { method: 'GET', url: '/v1/entries', rawHeaders: headers });
    expect(refusal.reason).toBe('proof_htu');
  });

  test('a request that names no public origin is 400', async () => {
    const { verifier } = await openApi({ publicOrigins: TWO });
    const refusal = await refusalOf(verifier, { method: 'GET', url: '/', rawHeaders: ['Host', 'c.example'] });
    expect(refusal).toMatchObject({ status: 400, error: 'invalid_request', reason: 'target' });
  });
});
