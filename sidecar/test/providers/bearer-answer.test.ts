import { TallystickError } from '@tallystick/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readBearerAnswer } from '../../src/providers/bearer-answer.ts';
import { secretValues } from '../../src/providers/secret-text.ts';

const GOOD = { access_token: 'ya29.a-b_c~d/e+f==', token_type: 'Bearer', expires_in: 3599 };
const read = (value: unknown) =>
  readBearerAnswer('cloud', 'the token request', { status: 200, headers: {}, text: JSON.stringify(value) }, 1000);

describe('the answer of a token endpoint', () => {
  test('gives the token, and until when it lives from when it was asked for', () => {
    expect(read(GOOD)).toEqual({ token: GOOD.access_token, expiresAtMs: 3_600_000, members: GOOD });
    expect(read({ ...GOOD, token_type: 'bearer' }).token).toBe(GOOD.access_token);
  });

  test.each([
    ['no token', { access_token: undefined }],
    ['an empty token', { access_token: '' }],
    ['a token that ends its header', { access_token: 'a\r\nX: b' }],
    ['a token with a space', { access_token: 'a b' }],
    ['a token of another type', { token_type: 'DPoP' }],
    ['no type', { token_type: undefined }],
    ['no time', { expires_in: undefined }],
    ['a time in text', { expires_in: '3599' }],
    ['a time that is over', { expires_in: 0 }],
    ['half a second', { expires_in: 0.5 }],
    ['a time without end', { expires_in: 1e12 }],
  ])('is refused with %s', (_what, members) => {
    expect(() => read({ ...GOOD, ...members })).toThrow(TallystickError);
  });

  test('is taken or refused, whatever it is, and never shown', () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.record({ access_token: fc.jsonValue(), token_type: fc.jsonValue(), expires_in: fc.jsonValue() }),
      fc.record({
        access_token: fc.stringMatching(/^canary[a-z ]{0,9}$/),
        token_type: fc.constantFrom('Bearer', 'x'),
        expires_in: fc.integer({ min: -5, max: 100_000 }),
      }),
    );
    fc.assert(
      fc.property(value, (any) => {
        try {
          expect(read(any).expiresAtMs).toBeGreaterThan(1000);
        } catch (error) {
          expect(TallystickError.is(error) && error.code).toBe('upstream_answer_invalid');
          expect((error as Error).message).not.toContain('canary');
        }
      }),
    );
  });
});

describe('the text of a secret', () => {
  test('is one value, or the members of a JSON object, where what is no text stays JSON', () => {
    expect(secretValues('cloud', '{"a":1}', 'text')).toEqual({ value: '{"a":1}' });
    expect(secretValues('cloud', '{"user":"u","port":5432,"tls":{"on":true}}', 'json')).toEqual({
      user: 'u',
      port: '5432',
      tls: '{"on":true}',
    });
  });

  test.each(['canary', '', '[]', 'null', '"canary"', '7'])(
    'that is no JSON object is refused and not shown: %j',
    (text) => {
      expect(() => secretValues('cloud', text, 'json')).toThrow('no JSON object');
      expect(() => secretValues('cloud', text, 'json')).not.toThrow('canary');
    },
  );
});
