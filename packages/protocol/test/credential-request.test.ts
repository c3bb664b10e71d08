import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createOneTimeKey,
  formatCredentialRequest,
  formatUpstreamProofAsk,
  parseCredentialRequest,
  parseUpstreamProofAsk,
} from '../src/index.ts';
import { anyText } from './any-text.ts';
import { refusal } from './throws.ts';

const { jwk } = createOneTimeKey();
const body = (change: Record<string, unknown> = {}): string =>
  JSON.stringify({ type: 'database', seal_to: jwk, ...change });

describe('a credential request', () => {
  test('comes back as it was said', () => {
    const request = {
      type: 'x509',
      sealTo: jwk,
      process: { id: 'BP-1042', run: '2026-11' },
      logHead: 'head',
      csr: 'MIIB',
      publicKey: 'ssh-ed25519 AAAA',
      upstreamProof: { challenge: 'c', proof: 'p' },
    } as const;
    const { process: _, ...rest } = request;
    const context = { id: 'BP-1042', run: '2026-11', ticket: null };
    expect(parseCredentialRequest(formatCredentialRequest(request))).toEqual({ ...rest, context });
  });

  test('ignores what a newer workload says', () => {
    expect(parseCredentialRequest(body({ later: {} })).type).toBe('database');
  });

  test.each([
    ['no type', { type: undefined }],
    ['a long type', { type: 'x'.repeat(65) }],
    ['no key to seal to', { seal_to: undefined }],
    ['a key off the curve, before anything is made', { seal_to: { ...jwk, x: jwk.y } }],
    ['a key of another curve', { seal_to: { ...jwk, crv: 'P-384' } }],
    ['a context that is none', { context: '{}' }],
    ['a long csr', { csr: 'A'.repeat(8193) }],
    ['a long public key', { public_key: 'A'.repeat(1025) }],
    ['half an upstream proof', { upstream_proof: { challenge: 'c' } }],
    ['null as upstream proof', { upstream_proof: null }],
  ])('is refused with %s', (_, change) => {
    expect(refusal(() => parseCredentialRequest(body(change)))).toBe('invalid_request');
  });

  test('any text, and any members, are read or refused', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(refusal(() => parseCredentialRequest(text))).toBe('invalid_request');
      }),
    );
    const names = ['type', 'seal_to', 'context', 'log_head', 'csr', 'public_key', 'upstream_proof'];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), fc.jsonValue()), (change) => {
        expect([undefined, 'invalid_request']).toContain(refusal(() => parseCredentialRequest(body(change))));
      }),
    );
  });

  test('a key to seal to is read without what else its JWK says', () => {
    const { sealTo } = parseCredentialRequest(body({ seal_to: { ...jwk, d: 'canary', use: 'enc' } }));
    expect(sealTo).toEqual(jwk);
  });
});

describe('an ask for an upstream proof', () => {
  const ASK = { htm: 'POST', htu: 'https://as.example/token', nonce: 'n-1', challenge: 'c' } as const;
  const answer = (change: object = {}): string =>
    JSON.stringify({ error: 'x', ...formatUpstreamProofAsk({ ...ASK, ...change } as never) });

  test('comes back as it was said, with a nonce and without', () => {
    expect(parseUpstreamProofAsk(answer())).toEqual(ASK);
    expect(parseUpstreamProofAsk(answer({ nonce: undefined }))).toEqual({ ...ASK, nonce: undefined });
  });

  test('is none in another error', () => {
    expect(parseUpstreamProofAsk('{"error":"invalid_request"}')).toBeUndefined();
  });

  test.each([
    ['another method', { htm: 'GET' }],
    ['no URL', { htu: '' }],
    ['a nonce that would end the claim', { nonce: 'a"b' }],
    ['a nonce with a space', { nonce: 'a b' }],
    ['a long nonce', { nonce: 'n'.repeat(513) }],
    ['a long challenge', { challenge: 'c'.repeat(1025) }],
    ['no challenge', { challenge: undefined }],
  ])('is refused with %s', (_, change) => {
    expect(refusal(() => parseUpstreamProofAsk(answer(change)))).toBe('protocol_error');
  });

  test('any text, and any members, are read or refused', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.json()), (text) => {
        expect([undefined, 'protocol_error']).toContain(refusal(() => parseUpstreamProofAsk(text)));
      }),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...Object.keys(ASK)), fc.jsonValue()), (change) => {
        expect([undefined, 'protocol_error']).toContain(refusal(() => parseUpstreamProofAsk(answer(change))));
      }),
    );
  });
});
