import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createReceiptTally, methodName, type Verified } from '../src/receipt-tally.ts';
import { readAccessToken } from '../src/access-token.ts';
import { ISSUER, tokenClaims } from './issuer.ts';

const TOKENS = [undefined, ...['a', 'b'].map((jti) => readAccessToken({ ...tokenClaims(ISSUER, undefined), jti }))];

const verified = fc.record<Verified>({
  token: fc.constantFrom(...TOKENS),
  method: fc.constantFrom('GET', 'POST'),
  origin: fc.constantFrom(undefined, 'https://a.example'),
  reason: fc.constantFrom(undefined, 'token_expired' as const, 'proof_replayed' as const),
});

describe('a tally', () => {
  test('counts every request once, in a kind or as lost, and never keeps more kinds than it may', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(verified, fc.nat(1000))), fc.integer({ min: 1, max: 6 }), (requests, max) => {
        const tally = createReceiptTally(max);
        for (const [request, nowMs] of requests) tally.add(request, nowMs);
        const drained = tally.drain();
        expect(drained.length).toBeLessThanOrEqual(max);
        expect(drained.reduce((sum, { count }) => sum + count, tally.lost)).toBe(requests.length);
        const kindOf = ({ token, method, origin, reason }: Verified): string =>
          [TOKENS.indexOf(token), method, origin, reason].join(' ');
        const kinds = drained.map(kindOf);
        expect(new Set(kinds).size).toBe(kinds.length);
        for (const each of drained) {
          const alike = requests.filter(([request]) => kindOf(request) === kindOf(each));
          expect(each.count).toBe(alike.length);
        }
        expect(drained.filter(({ firstMs, lastMs }) => firstMs > lastMs)).toEqual([]);
        expect(tally.isEmpty).toBe(true);
      }),
    );
  });

  test('has first and last of a kind, also over a clock that was set back', () => {
    const tally = createReceiptTally(10);
    const request: Verified = { token: undefined, method: 'GET', origin: undefined, reason: 'no_credentials' };
    for (const nowMs of [50, 70, 20]) tally.add(request, nowMs);
    expect(tally.drain()).toEqual([{ ...request, firstMs: 50, lastMs: 70, count: 3 }]);
  });
});

test('a method that a client makes up is told as other, so that it cannot make kinds', () => {
  expect(['GET', 'QUERY', 'get', 'BREW', ''].map(methodName)).toEqual(['GET', 'QUERY', '_OTHER', '_OTHER', '_OTHER']);
});
