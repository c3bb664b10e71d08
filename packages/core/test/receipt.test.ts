import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatReceiptLine,
  MAX_RECEIPT_LENGTH,
  parseReceiptLine,
  TallystickError,
  type Receipt,
  type ReceiptMark,
} from '../src/index.ts';

const WRITER = '01KAMQ5Q6G0000000000000000';
const RECEIPT: Receipt = {
  type: 'receipt',
  writer: WRITER,
  seq: 7,
  first: '2026-11-22T12:00:00.000Z',
  last: '2026-11-22T12:00:09.999Z',
  count: 57,
  verdict: 'accepted',
  reason: null,
  issuer: 'https://tallystick.acme.example',
  caller: 'spiffe://acme.example/payments/close-batch',
  lease: 'ls_01KAMQ5Q6G0000000000000000',
  jti: 'ls_01KAMQ5Q6G0000000000000000',
  audience: 'https://ledger.acme.example',
  jkt: 'A'.repeat(43),
  method: 'GET',
  origin: 'https://ledger.acme.example',
};
const MARK: ReceiptMark = {
  type: 'mark',
  writer: WRITER,
  seq: 0,
  time: '2026-11-22T12:00:00.000Z',
  state: 'opened',
  audiences: ['https://ledger.acme.example'],
  lost: 0,
};
const STRANGER = { issuer: null, caller: null, lease: null, jti: null, audience: null, jkt: null };

const text = fc.string({ minLength: 1, maxLength: 40, unit: 'binary' });
const time = fc
  .date({ min: new Date('1970-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
  .map((date) => date.toISOString());
const line = fc.oneof(
  fc
    .record({
      seq: fc.nat(),
      times: fc.tuple(time, time).map((pair) => pair.sort()),
      count: fc.integer({ min: 1 }),
      token: fc.record({ issuer: text, caller: text, jti: text, audience: text, lease: fc.option(text) }),
      refused: fc.option(fc.record({ verdict: fc.constant('invalid_token'), reason: fc.constant('token_expired') })),
    })
    .map(({ seq, times: [first, last], count, token, refused }) => ({
      ...RECEIPT,
      seq,
      first: first!,
      last: last!,
      count,
      ...token,
      ...refused,
    })),
  fc
    .record({ seq: fc.nat(), time, audiences: fc.array(text, { minLength: 1 }), lost: fc.nat() })
    .map((parts): ReceiptMark => ({ ...MARK, ...parts, state: 'written' })),
);

function codeOf(input: string): string | undefined {
  try {
    parseReceiptLine(input);
    return undefined;
  } catch (error) {
    if (TallystickError.is(error)) return error.code;
    throw error;
  }
}

const json = (value: object): string => formatReceiptLine(value as Receipt).trimEnd();

describe('a line of the receipts', () => {
  test('is read as it was written, one line each', () => {
    fc.assert(
      fc.property(line, (written) => {
        const formatted = formatReceiptLine(written);
        expect(formatted.indexOf('\n')).toBe(formatted.length - 1);
        expect(parseReceiptLine(formatted.trimEnd())).toEqual(written);
      }),
    );
  });

  test('is refused with an error of ours, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((value) => `{"v":1,"type":${value}}`),
        ),
        (input) => {
          expect(codeOf(input)).toBe('log_invalid');
        },
      ),
    );
  });

  test('is refused where it was cut anywhere', () => {
    fc.assert(
      fc.property(line, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (written, at) => {
        const whole = json(written);
        expect(codeOf(whole.slice(0, Math.floor(whole.length * at)))).toBe('log_invalid');
      }),
    );
  });

  test('needs each of its members, and has no other', () => {
    for (const whole of [RECEIPT, MARK]) {
      expect(codeOf(json({ ...whole, more: 1 }))).toBe('log_invalid');
      for (const name of Object.keys(whole)) {
        expect({ name, code: codeOf(json({ ...whole, [name]: undefined })) }).toEqual({ name, code: 'log_invalid' });
        expect({ name, code: codeOf(json({ ...whole, [name]: {} })) }).toEqual({ name, code: 'log_invalid' });
      }
    }
  });

  test('of a later release says so', () => {
    expect(codeOf('{"v":2,"type":"something else"}')).toBe('state_newer');
  });

  test.each<[string, object]>([
    ['ends before it begins', { ...RECEIPT, last: '2026-11-22T11:59:59.999Z' }],
    ['counts nothing', { ...RECEIPT, count: 0 }],
    ['is accepted for a reason', { ...RECEIPT, reason: 'token_expired' }],
    ['is refused without a reason', { ...RECEIPT, verdict: 'invalid_token' }],
    ['accepts a token that it does not name', { ...RECEIPT, ...STRANGER }],
    ['accepts at no origin', { ...RECEIPT, origin: null }],
    [
      'names the lease of a token that it does not name',
      { ...RECEIPT, ...STRANGER, lease: RECEIPT.lease, verdict: 'invalid_token', reason: 'token_signature' },
    ],
    ['has a day that its month has not', { ...RECEIPT, first: '2026-02-30T12:00:00.000Z' }],
    ['has a time without milliseconds', { ...RECEIPT, first: '2026-11-22T12:00:00Z' }],
    ['has a path in its method', { ...RECEIPT, method: 'GET /x' }],
    ['holds half of a character', { ...RECEIPT, jti: 'a\ud83d' }],
    ['marks for no audience', { ...MARK, audiences: [] }],
    ['marks a state that there is not', { ...MARK, state: 'paused' }],
  ])('is refused when it %s', (_, value) => {
    expect(codeOf(json(value))).toBe('log_invalid');
  });

  test('names nobody where the signature of a token was not good', () => {
    const stranger = { ...RECEIPT, ...STRANGER, verdict: 'invalid_token', reason: 'token_signature', origin: null };
    expect(parseReceiptLine(json(stranger))).toEqual(stranger);
  });

  test('beyond the longest is not looked into', () => {
    const padded = json(RECEIPT).replace('{', `{${' '.repeat(MAX_RECEIPT_LENGTH)}`);
    expect(codeOf(padded)).toBe('log_invalid');
  });
});
