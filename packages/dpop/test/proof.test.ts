import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  accessTokenHash,
  bodyHash,
  createProof,
  generateHolderKey,
  judgeProof,
  PROOF_ALGORITHMS,
  readProof,
  type ProofRequest,
} from '../src/index.ts';
import { key } from './forge.ts';

const request: ProofRequest = {
  method: 'POST',
  url: 'https://ledger.acme.example/v1/journals?dry=1#x',
  iat: 1_700_000_000,
};
const payloadOf = (proof: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(proof.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;
const headerOf = (proof: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(proof.split('.')[0]!, 'base64url').toString()) as Record<string, unknown>;

describe('RFC 9449 §4.2', () => {
  test('the header has typ, alg and the public key, and nothing else', () => {
    expect(headerOf(createProof(key, request))).toEqual({ typ: 'dpop+jwt', alg: 'ES256', jwk: key.publicJwk });
  });

  test('the payload has jti, htm, htu without query and fragment, and iat, and nothing that was not asked for', () => {
    const { jti, ...rest } = payloadOf(createProof(key, request));
    expect(rest).toEqual({ htm: 'POST', htu: 'https://ledger.acme.example/v1/journals', iat: 1_700_000_000 });
    expect(Buffer.from(jti as string, 'base64url')).toHaveLength(16);
  });

  test('each proof has another jti, also past the pool from which they are drawn, and no jti is of zeros', () => {
    const jtis = new Set(Array.from({ length: 600 }, () => payloadOf(createProof(key, request)).jti));
    expect(jtis.size).toBe(600);
    expect(jtis.has('A'.repeat(22))).toBe(false);
  });

  test('ath is the hash of the token, or the hash that the caller kept, which wins', () => {
    expect(payloadOf(createProof(key, { ...request, accessToken: 'token' })).ath).toBe(accessTokenHash('token'));
    expect(payloadOf(createProof(key, { ...request, accessToken: 'token', ath: 'kept' })).ath).toBe('kept');
  });

  test('nonce and bth are what they are told', () => {
    expect(
      payloadOf(createProof(key, { ...request, nonce: 'eyJ7S_zG.eyJH0-Z.HX4w-7v', bth: bodyHash('{}') })),
    ).toMatchObject({
      nonce: 'eyJ7S_zG.eyJH0-Z.HX4w-7v',
      bth: 'RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o',
    });
  });

  test('iat is whole seconds, as some verifiers ask', () => {
    expect(payloadOf(createProof(key, { ...request, iat: 1_700_000_000.999 })).iat).toBe(1_700_000_000);
  });

  test.each<[what: string, over: Partial<ProofRequest>]>([
    ['a URL with user information', { url: 'https://user:secret@a.example/' }],
    ['a URL that is none', { url: '/v1/journals' }],
    ['a URL of another scheme', { url: 'unix:/run/api.sock' }],
    ['an iat that is not a number', { iat: Number.NaN }],
    ['an endless iat', { iat: Infinity }],
    ['a quote in the method', { method: 'GET","htu":"https://evil.example/' }],
    ['a quote in the nonce', { nonce: 'a"b' }],
    ['a backslash in the nonce', { nonce: 'a\\' }],
    ['a line feed in the nonce', { nonce: 'a\n' }],
    ['a quote in ath', { ath: '"' }],
    ['a letter outside ASCII in bth', { bth: 'é' }],
  ])('%s is refused', (_what, over) => {
    expect(() => createProof(key, { ...request, ...over })).toThrow(TypeError);
  });
});

describe('createProof, for any request', () => {
  const printable = fc.stringMatching(/^[ -~]{0,12}$/);
  const any = fc.record({
    method: fc.oneof(fc.constantFrom('GET', 'POST', 'DELETE'), printable),
    url: fc.webUrl({ withQueryParameters: true, withFragments: true }),
    iat: fc.integer({ min: 0, max: 4e9 }),
    nonce: fc.option(printable, { nil: undefined }),
    accessToken: fc.option(fc.string(), { nil: undefined }),
    bth: fc.option(printable, { nil: undefined }),
  });

  test('the payload is the JSON that JSON.stringify gives: nothing can be smuggled into it', () => {
    fc.assert(
      fc.property(any, (r) => {
        let proof: string;
        try {
          proof = createProof(key, r);
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
          expect([r.method, r.nonce, r.bth].some((value) => /["\\]/.test(value ?? ''))).toBe(true);
          return;
        }
        const text = Buffer.from(proof.split('.')[1]!, 'base64url').toString();
        expect(text).toBe(JSON.stringify(JSON.parse(text)));
        expect(payloadOf(proof)).toMatchObject({ htm: r.method, iat: r.iat });
      }),
    );
  });

  test.each(PROOF_ALGORITHMS)(
    '%s: what is created is read and judged good, for that request and no other',
    async (alg) => {
      const by = await generateHolderKey(alg);
      fc.assert(
        fc.property(
          any.filter((r) => ![r.method, r.nonce, r.bth].some((value) => /["\\]/.test(value ?? ''))),
          (r) => {
            const proof = readProof(createProof(by, r));
            const ath = r.accessToken === undefined ? undefined : accessTokenHash(r.accessToken);
            const expected = {
              method: r.method,
              url: r.url,
              jkt: by.jkt,
              ath,
              bth: r.bth,
              iat: { now: r.iat, pastSeconds: 0, futureSeconds: 0 },
            };
            judgeProof(proof, expected);
            expect(proof.nonce).toBe(r.nonce);
            expect(() => judgeProof(proof, { ...expected, method: `${r.method}X` })).toThrow('htm');
            expect(() => judgeProof(proof, { ...expected, url: `${new URL(r.url).origin}/other-path` })).toThrow('htu');
            expect(() => judgeProof(proof, { ...expected, ath: 'other' })).toThrow('ath');
          },
        ),
        { numRuns: alg === 'PS256' ? 20 : 100 },
      );
    },
  );
});
