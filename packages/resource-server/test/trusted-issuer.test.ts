import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createVerifier, readIssuerFile, type TrustedIssuer, type VerifierOptions } from '../src/index.ts';
import { openApi, proofOf, requestWith } from './api.ts';
import { AUDIENCE, createIssuer, ISSUER, SUBJECT } from './issuer.ts';

const issuer = await createIssuer();
const trusted: TrustedIssuer = { issuer: ISSUER, jwks: issuer.jwks, subjects: ['spiffe://acme.example/payments/'] };
const options: VerifierOptions = { issuers: [trusted], audience: AUDIENCE, publicOrigins: [AUDIENCE] };

test('what "tallystick issuer export" writes is read from its file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rs-'));
  try {
    const path = join(folder, 'issuer.json');
    await writeFile(path, JSON.stringify(trusted));
    const api = await openApi({ issuers: [readIssuerFile(path)] });
    const token = await issuer.token(api.key.jkt);
    await expect(api.verifier.verify(requestWith(token, proofOf(api.key, token)))).resolves.toMatchObject({
      identity: SUBJECT,
    });
    await writeFile(path, '{"issuer":');
    expect(() => readIssuerFile(path)).toThrow(/verifier_misconfigured: .* is not JSON/);
    expect(() => readIssuerFile(join(folder, 'none.json'))).toThrow(
      /verifier_misconfigured: .* cannot be read: ENOENT/,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe('options that cannot be meant are refused at the start, by name', () => {
  test.each<[string, Partial<VerifierOptions>]>([
    ['issuers', { issuers: [] }],
    ['issuers', { issuers: undefined as never }],
    ['issuers', { issuers: [trusted, { ...trusted }] }],
    ['audience', { audience: '' }],
    ['audience', { audience: [] }],
    ['audience', { audience: undefined as never }],
    ['publicOrigins', { publicOrigins: [] }],
    ['publicOrigins', { publicOrigins: 'https://ledger.acme.example' as never }],
    ['nonceSecret', { nonceSecret: new Uint8Array(31) }],
    ['proofWindow.pastSeconds', { proofWindow: { pastSeconds: 301 } }],
    ['proofWindow.futureSeconds', { proofWindow: { futureSeconds: 61 } }],
    ['proofWindow.futureSeconds', { proofWindow: { futureSeconds: Number.NaN } }],
    ['maxKeyAgeSeconds', { maxKeyAgeSeconds: Infinity }],
    ['maxCachedTokens', { maxCachedTokens: 0 }],
  ])('%s', (name, wrong) => {
    expect(() => createVerifier({ ...options, ...wrong })).toThrow(`"${name}"`);
  });

  test.each<[string, Partial<Record<keyof TrustedIssuer, unknown>>]>([
    ['issuer', { issuer: '' }],
    ['subjects', { subjects: undefined }],
    ['subjects', { subjects: [] }],
    ['subjects', { subjects: [''] }],
    ['subjects', { subjects: ['*', SUBJECT] }],
    ['subjects', { subjects: ['spiffe:///'] }],
    ['subjects', { subjects: ['spiffe://'] }],
    ['subjects', { subjects: ['spiffe://acme.example'] }],
    ['subjects', { subjects: ['https://as.example/users/'] }],
    ['subjects', { subjects: [7] }],
    ['algorithms', { algorithms: ['HS256'] }],
    ['jwks', { jwks: { keys: [] } }],
    ['jwks', { jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } }],
    ['jwks', { jwks: undefined }],
    ['jwks', { jwks: 'http://as.example/jwks' }],
    ['jwks', { jwks: 'http://localhost/jwks' }],
    ['jwks', { jwks: 'https://user:secret@as.example/jwks' }],
    ['jwks', { jwks: 'unix:relative.sock' }],
    ['jwks', { jwks: 'unix://host/run/x.sock' }],
    ['jwks', { jwks: 'data:application/json,{}' }],
    ['jwks', { jwks: '/etc/jwks.json' }],
    ['revocations', { revocations: 'http://as.example/revocations' }],
    ['pollMs', { revocations: { url: 'https://as.example/revocations', pollMs: 0 } }],
    ['whenStale', { revocations: { url: 'https://as.example/revocations', whenStale: 'ignore' } }],
    ['introspection', { introspection: 'file:///etc/introspection' }],
    ['cacheMs', { introspection: { url: 'https://as.example/introspect', cacheMs: -1 } }],
  ])('%s of an issuer', (name, wrong) => {
    expect(() => createVerifier({ ...options, issuers: [{ ...trusted, ...wrong } as TrustedIssuer] })).toThrow(
      `"${name}"`,
    );
  });

  test.each<[string, object]>([
    ['"audiance" is not an option; did you mean "audience"?', { audiance: 'https://ledger.acme.example' }],
    ['"replaystore" is not an option; did you mean "replayStore"?', { replaystore: {} }],
    ['"dpop" is not an option; there are issuers, audience,', { dpop: 'required' }],
    ['in "proofWindow", "pastSecond" is not', { proofWindow: { pastSecond: 5 } }],
    [
      'in "publicOrigins", "internalprefix" is not',
      { publicOrigins: [{ url: 'https://a.example', internalprefix: '/' }] },
    ],
    ['in "issuers", "subject" is not an option; did you mean "subjects"?', { issuers: [{ ...trusted, subject: [] }] }],
    ['in "issuers", "revocation" is not', { issuers: [{ ...trusted, revocation: 'https://as.example/revocations' }] }],
    [
      'in "revocations", "whenstale" is not',
      { issuers: [{ ...trusted, revocations: { url: 'https://as.example/r', whenstale: 'accept' } }] },
    ],
    [
      'in "introspection", "cachems" is not',
      { issuers: [{ ...trusted, introspection: { url: 'https://as.example/i', cachems: 0 } }] },
    ],
  ])('as those that nobody reads: %s', (words, wrong) => {
    expect(() => createVerifier({ ...options, ...wrong })).toThrow(words);
  });

  test('and say so with a code and a remedy', () => {
    expect(() => createVerifier({ ...options, issuers: [] })).toThrow(
      expect.objectContaining({
        code: 'verifier_misconfigured',
        remedy: expect.stringContaining('createVerifier') as string,
      }),
    );
  });
});
