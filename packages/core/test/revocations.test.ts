import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  indexRevocations,
  parseRevocationList,
  TallystickError,
  type RevocableToken,
  type Revocation,
} from '../src/index.ts';

const line = fc.oneof(
  fc.record({
    kind: fc.constantFrom('jti' as const, 'jkt' as const),
    value: fc.constantFrom('a', 'b', 'c'),
    until: fc.nat(100),
  }),
  fc.record({
    kind: fc.constant('sub' as const),
    value: fc.constantFrom('a', 'b', 'c'),
    before: fc.integer({ min: -5, max: 100 }),
    until: fc.nat(100),
  }),
);
const list = (revoked: unknown): Record<string, unknown> => ({ iss: 'https://t.example', iat: 1, exp: 2, revoked });

describe('parseRevocationList', () => {
  test('reads what the issuer wrote', () => {
    fc.assert(
      fc.property(fc.array(line), (revoked) => {
        expect(parseRevocationList(JSON.parse(JSON.stringify(list(revoked))) as Record<string, unknown>)).toEqual(
          list(revoked),
        );
      }),
    );
  });

  test.each([
    ['no iss', { ...list([]), iss: undefined }],
    ['no iat', { ...list([]), iat: '1' }],
    ['no exp', { ...list([]), exp: undefined }],
    ['an endless exp', { ...list([]), exp: Infinity }],
    ['no lines', list(undefined)],
    ['lines that are no list', list({ length: 0 })],
    ['a line of a kind it does not know, which would revoke something', list([{ kind: 'aud', value: 'x', until: 3 }])],
    ['a line without value', list([{ kind: 'jti', until: 3 }])],
    ['a line without until', list([{ kind: 'jti', value: 'x' }])],
    ['a sub without before', list([{ kind: 'sub', value: 'x', until: 3 }])],
    ['a line that is null', list([null])],
    ['a line that is text', list(['jti'])],
    ['a kind that is inherited', list([{ kind: 'toString', value: 'x', until: 3, before: 3 }])],
  ])('refuses %s', (_what, claims) => {
    expect(() => parseRevocationList(claims)).toThrow(expect.objectContaining({ code: 'protocol_error' }));
  });

  test('arbitrary claims give a list or protocol_error, nothing else', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.dictionary(fc.string(), fc.anything()), fc.anything().map(list), fc.array(fc.anything()).map(list)),
        (claims) => {
          try {
            parseRevocationList(claims);
          } catch (error) {
            if (!TallystickError.is(error)) throw error;
            expect(error.code).toBe('protocol_error');
          }
        },
      ),
    );
  });
});

describe('indexRevocations', () => {
  const token = { jti: 'j1', jkt: 'k1', sub: 'spiffe://a/x', iat: 100 };
  test.each<[rule: string, Revocation[], over: Partial<RevocableToken>, revoked: boolean]>([
    ['an empty list revokes nothing', [], {}, false],
    ['one token by its jti', [{ kind: 'jti', value: 'j1', until: 1 }], {}, true],
    ['not another jti', [{ kind: 'jti', value: 'j2', until: 1 }], {}, false],
    [
      'every token that is bound to a certificate',
      [{ kind: 'jti', value: 'ls1', until: 1 }],
      { certificate: 'ls1' },
      true,
    ],
    ['not one bound to another certificate', [{ kind: 'jti', value: 'ls1', until: 1 }], { certificate: 'ls2' }, false],
    ['every token of a key', [{ kind: 'jkt', value: 'k1', until: 1 }], {}, true],
    ['not a jti that is spelt like a revoked key', [{ kind: 'jkt', value: 'j1', until: 1 }], {}, false],
    [
      'a token without jti and jkt is not revoked by either',
      [{ kind: 'jti', value: 'undefined', until: 1 }],
      { jti: undefined, jkt: undefined },
      false,
    ],
    ['a subject: issued before', [{ kind: 'sub', value: token.sub, before: 101, until: 1 }], {}, true],
    [
      'a subject: issued in the same second counts as before',
      [{ kind: 'sub', value: token.sub, before: 100, until: 1 }],
      {},
      true,
    ],
    [
      'a subject: also with fractions',
      [{ kind: 'sub', value: token.sub, before: 100, until: 1 }],
      { iat: 100.9 },
      true,
    ],
    ['a subject: issued after', [{ kind: 'sub', value: token.sub, before: 99, until: 1 }], {}, false],
    [
      'a subject: without an iat it counts as before',
      [{ kind: 'sub', value: token.sub, before: 99, until: 1 }],
      { iat: Number.NaN },
      true,
    ],
    [
      'not another subject, with or without an iat',
      [{ kind: 'sub', value: 'spiffe://a/y', before: 999, until: 1 }],
      { iat: Number.NaN },
      false,
    ],
  ])('%s', (_rule, revoked, over, expected) => {
    expect(indexRevocations(revoked).revokes({ ...token, ...over })).toBe(expected);
  });

  test('agrees with a search through all lines', () => {
    const claims = fc.record({
      jti: fc.constantFrom('a', 'b', 'd'),
      jkt: fc.constantFrom('a', 'c', 'd'),
      sub: fc.constantFrom('a', 'd'),
      iat: fc.integer({ min: -5, max: 100 }),
    });
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), claims, (revoked, one) => {
        const slow = revoked.some((l) =>
          l.kind === 'sub' ? l.value === one.sub && one.iat <= l.before : l.value === one[l.kind],
        );
        expect(indexRevocations(revoked).revokes(one)).toBe(slow);
      }),
      { numRuns: 500 },
    );
  });
});
