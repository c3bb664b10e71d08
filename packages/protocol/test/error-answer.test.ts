import { ERROR_CODES, genericCode, TallystickError, type ErrorCode } from '@tallystick/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatError, parseError } from '../src/index.ts';

const CODES = Object.keys(ERROR_CODES) as ErrorCode[];
const answer = (members: Record<string, unknown>, retryAfter?: string): TallystickError =>
  parseError({ status: 400, body: JSON.stringify(members), retryAfter });

describe('error answers', () => {
  test('RFC 6749 §5.2: error and error_description, and ours beside them; no cause', () => {
    const error = new TallystickError('not_entitled', 'x may not have "y"', {
      cause: new Error('inner'),
      retryAfterMs: 1,
    });
    expect(formatError(error)).toEqual({
      error: 'access_denied',
      error_description: 'x may not have "y"',
      code: 'not_entitled',
      remedy: ERROR_CODES.not_entitled.remedy,
      retryable: false,
    });
  });

  test('each code comes back as it was sent, with description, remedy and retryability', () => {
    const printable = fc.stringMatching(/^[ -~]{1,100}$/);
    fc.assert(
      fc.property(
        fc.constantFrom(...CODES),
        printable,
        printable,
        fc.boolean(),
        fc.integer({ min: 1, max: 1e6 }),
        (code, description, remedy, retryable, seconds) => {
          const sent = new TallystickError(code, description, { remedy, retryable });
          const read = parseError({
            status: 400,
            body: JSON.stringify(formatError(sent)),
            retryAfter: String(seconds),
          });
          expect(read).toMatchObject({
            code,
            description,
            remedy,
            retryable,
            message: sent.message,
            retryAfterMs: seconds * 1000,
          });
        },
      ),
    );
  });
});

describe('DESIGN §4.9: codes are open', () => {
  test.each(
    Object.entries(ERROR_CODES)
      .filter(([, { status }]) => status !== 0)
      .map(([, { oauth }]) => oauth),
  )('an unknown code under %s falls into its generic class, with the retryability of the wire', (oauth) => {
    for (const retryable of [true, false]) {
      const error = answer({
        error: oauth,
        error_description: 'd',
        code: 'of_next_year',
        remedy: 'upgrade',
        retryable,
      });
      expect(error).toMatchObject({ code: genericCode(oauth), description: 'd', remedy: 'upgrade', retryable });
    }
  });

  test('without remedy and retryability, those of the code stand', () => {
    expect(answer({ error: 'temporarily_unavailable' })).toMatchObject({
      code: 'overloaded',
      retryable: true,
      remedy: ERROR_CODES.overloaded.remedy,
    });
    expect(answer({ error: 'access_denied', code: 'identity_suspended' })).toMatchObject({
      code: 'identity_suspended',
      retryable: false,
    });
  });

  test('a code that is inherited from Object is unknown', () => {
    expect(answer({ error: 'invalid_scope', code: 'toString' }).code).toBe('invalid_scope');
    expect(answer({ error: 'invalid_scope', code: '__proto__' }).code).toBe('invalid_scope');
  });

  test('an error of plain OAuth, without description, is described by its name', () => {
    expect(answer({ error: 'invalid_grant' })).toMatchObject({ code: 'invalid_request', description: 'invalid_grant' });
    expect(answer({ error: 'invalid_grant', error_description: '' })).toMatchObject({ description: 'invalid_grant' });
  });
});

describe('what is not ours', () => {
  test.each([
    '',
    'Bad Gateway',
    '<html>',
    'null',
    '1',
    '"error"',
    '[]',
    '{}',
    '{"error":1}',
    '{"error":null}',
    '{"error":',
  ])('%j is protocol_error', (body) => {
    const error = parseError({ status: 502, body });
    expect(error.code).toBe('protocol_error');
    expect(error.description).toBe('the sidecar answered 502 without an OAuth error');
  });

  test('any body gives one TallystickError, its text printable and bounded', () => {
    const member = fc.oneof(fc.string(), fc.jsonValue(), fc.constant('x'.repeat(2000)), fc.constant('a\u001b[31m\nb'));
    const members = fc.record(
      { error: member, error_description: member, code: member, remedy: member, retryable: member },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          members.map((m) => JSON.stringify(m)),
        ),
        fc.option(fc.string(), { nil: undefined }),
        (body, retryAfter) => {
          const error = parseError({ status: 500, body, retryAfter });
          expect(TallystickError.is(error)).toBe(true);
          expect(error.message).toMatch(/^[ -~]{1,1000}$/);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('RFC 9110 §10.2.3: Retry-After', () => {
  test.each([
    ['1', 1000],
    ['120', 120_000],
    [undefined, undefined],
    ['', undefined],
    ['0', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['1e3', undefined],
    ['0x10', undefined],
    [' 5', undefined],
    ['Infinity', undefined],
    ['9999999999', undefined],
    ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
  ])('%j is %s ms', (retryAfter, ms) => {
    expect(answer({ error: 'temporarily_unavailable' }, retryAfter).retryAfterMs).toBe(ms);
  });
});
