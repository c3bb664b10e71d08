import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findChallenge } from '../src/challenge.ts';

const parameters = (header: string, scheme = 'DPoP'): Record<string, string> | undefined => {
  const found = findChallenge(header, scheme);
  return found && Object.fromEntries(found);
};

describe('RFC 9110 §11.6.1: WWW-Authenticate is a list of challenges', () => {
  test.each([
    ['DPoP error="use_dpop_nonce"', { error: 'use_dpop_nonce' }],
    ['dpop Error="invalid_token", algs="ES256 Ed25519"', { error: 'invalid_token', algs: 'ES256 Ed25519' }],
    ['Bearer realm="a, b", DPoP error="invalid_token"', { error: 'invalid_token' }],
    ['DPoP error="invalid_token", Bearer error="other"', { error: 'invalid_token' }],
    ['Negotiate abc==, DPoP error=use_dpop_nonce', { error: 'use_dpop_nonce' }],
    ['Basic, DPoP', {}],
    ['DPoP', {}],
    ['DPoP error = "a\\"b" , algs="x"', { error: 'a"b', algs: 'x' }],
    [',, DPoP error="x",', { error: 'x' }],
  ])('%s', (header, expected) => {
    expect(parameters(header)).toEqual(expected);
  });

  test.each([
    '',
    'Bearer error="use_dpop_nonce"',
    'Bearer realm="DPoP error=use_dpop_nonce"',
    'XDPoP error="x"',
    '="',
    '"DPoP"',
  ])('there is no DPoP challenge in %j', (header) => {
    expect(parameters(header)).toBeUndefined();
  });

  test('a parameter given twice keeps its first value', () => {
    expect(parameters('DPoP error="a", error="b"')).toEqual({ error: 'a' });
  });

  test('what follows a fault in the grammar is not read', () => {
    expect(parameters('DPoP error="x" error="y"')).not.toHaveProperty('error', 'y');
  });
});

test('any challenge list is read back, whatever stands around the one that is looked for', () => {
  const token = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9-]{0,8}$/);
  const quoted = fc.string({ unit: fc.constantFrom(...' !#$%(),/:;<=>?@[]{}ab"\\'.split('')) });
  const pairs = fc.dictionary(token, quoted, { maxKeys: 4 });
  const challenge = fc.tuple(
    token.filter((scheme) => scheme.toLowerCase() !== 'dpop'),
    pairs,
  );
  const write = ([scheme, given]: readonly [string, Record<string, string>]): string =>
    `${scheme} ${Object.entries(given)
      .map(([name, value]) => `${name}="${value.replace(/["\\]/g, '\\$&')}"`)
      .join(', ')}`;
  fc.assert(
    fc.property(
      fc.array(challenge, { maxLength: 3 }),
      pairs,
      fc.array(challenge, { maxLength: 3 }),
      (before, ours, after) => {
        const names = Object.keys(ours).map((name) => name.toLowerCase());
        fc.pre(new Set(names).size === names.length);
        const header = [...before.map(write), write(['DPoP', ours]), ...after.map(write)].join(', ');
        const expected = Object.fromEntries(Object.entries(ours).map(([name, value]) => [name.toLowerCase(), value]));
        expect(parameters(header)).toEqual(expected);
      },
    ),
  );
});

test('any text is read without an exception, and in time that grows with its length', () => {
  fc.assert(fc.property(fc.string({ maxLength: 400 }), (header) => void findChallenge(header, 'DPoP')));
  for (const unit of [',', ' ', 'a=', '"', '\\', 'a=""', 'a ', 'DPoP ', 'a=b,'])
    findChallenge(unit.repeat(20_000), 'DPoP');
});
