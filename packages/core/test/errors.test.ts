import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import type * as Errors from '../src/errors.ts';
import {
  ERROR_CODES,
  genericCode,
  isErrorCode,
  TallystickError,
  withoutBytes,
  type ErrorCode,
  type ErrorEntry,
} from '../src/index.ts';

const ENTRIES = Object.entries(ERROR_CODES) as [ErrorCode, ErrorEntry][];

/** RFC 6749 §5.2, RFC 6750 §3.1, RFC 8707 §2, RFC 9449 §5 and §8; the rest is ours. */
const STATUSES: Readonly<Record<string, readonly number[]>> = {
  invalid_request: [400, 401, 404, 405, 413],
  invalid_client: [401],
  invalid_token: [401],
  invalid_scope: [400],
  invalid_target: [400],
  invalid_dpop_proof: [400],
  use_dpop_nonce: [400],
  unsupported_grant_type: [400],
  upstream_proof_required: [400],
  insufficient_scope: [403],
  access_denied: [403],
  temporarily_unavailable: [429, 503],
  server_error: [500],
};

describe('the table of error codes', () => {
  test.each(ENTRIES)('%s', (code, { oauth, status, retryable, remedy }) => {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    // RFC 6749 §5.2 NQSCHAR
    expect(oauth).toMatch(/^[a-z]+(_[a-z]+)*$/);
    // DESIGN §4.3, and 500 for a defect alone
    expect(code === 'internal_error' ? [500] : [0, 400, 401, 403, 404, 405, 413, 429, 503]).toContain(status);
    // style-models (e) 9: lower case, no full stop, one line of printable ASCII
    expect(remedy).toMatch(/^[a-z][\x20-\x7e]*[^.\s]$/);
    expect(remedy).not.toMatch(/\b(please|simply|just)\b/i);
    expect(typeof retryable).toBe('boolean');
  });

  test('what passes by itself is retryable, and nothing else of the socket but a nonce and a challenge', () => {
    for (const [code, { status, retryable }] of ENTRIES) {
      if (status === 429 || status === 503) expect([code, retryable]).toEqual([code, true]);
      else if (status !== 0)
        expect([code, retryable]).toEqual([code, ['use_dpop_nonce', 'upstream_proof_required'].includes(code)]);
    }
  });

  test.each(ENTRIES.filter(([, { status }]) => status !== 0))(
    '%s has a status that its OAuth error allows',
    (_code, { oauth, status }) => {
      expect(STATUSES[oauth]).toContain(status);
    },
  );

  test('isErrorCode knows these and no inherited name', () => {
    for (const [code] of ENTRIES) expect(isErrorCode(code)).toBe(true);
    for (const no of [
      '',
      'toString',
      '__proto__',
      'constructor',
      'INVALID_REQUEST',
      1,
      null,
      undefined,
      ['internal_error'],
    ]) {
      expect(isErrorCode(no)).toBe(false);
    }
  });
});

describe('genericCode', () => {
  test.each([...new Set(ENTRIES.filter(([, e]) => e.status !== 0).map(([, e]) => e.oauth))])(
    '%s stands for a code with the same OAuth error',
    (oauth) => {
      expect(ERROR_CODES[genericCode(oauth)].oauth).toBe(oauth);
    },
  );

  test('anything else is invalid_request', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!ENTRIES.some(([, e]) => e.oauth === text));
        expect(genericCode(text)).toBe('invalid_request');
      }),
    );
  });
});

describe('TallystickError', () => {
  test('says code, what happened and what to do', () => {
    const error = new TallystickError('not_entitled', 'spiffe://a/b may not have "x"');
    expect(error.message).toBe(
      'not_entitled: spiffe://a/b may not have "x"; add the credential to the "entitlements" of the identity',
    );
    expect(error.code).toBe('not_entitled');
    expect(error.description).toBe('spiffe://a/b may not have "x"');
    expect(error.remedy).toBe(ERROR_CODES.not_entitled.remedy);
    expect(error.retryable).toBe(false);
    expect('retryAfterMs' in error).toBe(false);
    expect('cause' in error).toBe(false);
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toMatch(/^TallystickError: not_entitled: /);
    expectTypeOf(error.code).toEqualTypeOf<ErrorCode>();
  });

  test('takes remedy, retryability and delay from one who knows more', () => {
    const cause = new Error('cause');
    const error = new TallystickError('overloaded', 'x', { remedy: 'wait', retryable: false, retryAfterMs: 5, cause });
    expect(error).toMatchObject({ remedy: 'wait', retryable: false, retryAfterMs: 5, cause });
    expect(error.message).toBe('overloaded: x; wait');
  });

  test('prints as JSON without stack, description and cause', () => {
    const error = new TallystickError('overloaded', 'x', { cause: new Error('inner'), retryAfterMs: 5 });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'TallystickError',
      code: 'overloaded',
      remedy: ERROR_CODES.overloaded.remedy,
      retryable: true,
      retryAfterMs: 5,
    });
    expect(inspect(error)).toContain('overloaded: x');
  });

  test('is recognised across two installed copies of the package, where instanceof fails', async () => {
    const copyPath = '../src/errors.ts?second-copy';
    const copy = (await import(/* @vite-ignore */ copyPath)) as typeof Errors;
    expect(copy.TallystickError).not.toBe(TallystickError);
    const foreign = new copy.TallystickError('overloaded', 'x');
    expect(foreign).not.toBeInstanceOf(TallystickError);
    expect(TallystickError.is(foreign)).toBe(true);
    expect(copy.TallystickError.is(new TallystickError('overloaded', 'x'))).toBe(true);
  });

  test.each([
    undefined,
    null,
    'overloaded',
    1,
    {},
    new Error('overloaded'),
    { name: 'TallystickError', code: 'overloaded' },
  ])('%o is none', (other) => {
    expect(TallystickError.is(other)).toBe(false);
  });
});

describe('an error of the HTTP parser', () => {
  test('is kept without the bytes that it read, with its message and code', () => {
    const rawPacket = Buffer.from('HTTP/1.1 200 OK\r\ncanary');
    const kept = withoutBytes(Object.assign(new Error('Parse Error: x'), { code: 'HPE_X', rawPacket, bytesParsed: 3 }));
    expect(kept).toMatchObject({ message: 'Parse Error: x', code: 'HPE_X' });
    expect(Object.keys(kept as Error)).toEqual(['code']);
  });

  test.each([new Error('x'), Object.assign(new Error('y'), { code: 'ECONNRESET' }), 'text', undefined, null])(
    'and any other is returned as it is: %j',
    (error) => {
      expect(withoutBytes(error)).toBe(error);
    },
  );
});
