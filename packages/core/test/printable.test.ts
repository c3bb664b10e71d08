import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isClaimText, MAX_CLAIM_LENGTH, printable, systemRandom } from '../src/index.ts';

const utf16 = fc.array(fc.nat(0xffff), { maxLength: 200 }).map((units) => String.fromCharCode(...units));

describe('printable', () => {
  test('whatever it is given, what comes out is printable ASCII of at most the asked length', () => {
    fc.assert(
      fc.property(utf16, fc.nat(200), (text, max) => {
        const out = printable(text, max);
        expect(out).toMatch(/^[\x20-\x7e]*$/);
        expect(out.length).toBe(Math.min(text.length, max));
      }),
    );
  });

  test('printable ASCII stays as it is, to 120 characters', () => {
    expect(printable('a "b" \\ ~')).toBe('a "b" \\ ~');
    expect(printable('x'.repeat(500))).toBe('x'.repeat(120));
    expect(printable('a\u001b[31mb\nc\u202e')).toBe('a?[31mb?c?');
  });
});

describe('isClaimText', () => {
  test.each(['a', 'BP-1042', 'run 7', '"', 'x'.repeat(MAX_CLAIM_LENGTH)])('%j may be claimed', (text) => {
    expect(isClaimText(text)).toBe(true);
  });

  test.each([
    '',
    'x'.repeat(MAX_CLAIM_LENGTH + 1),
    'a\nb',
    'a\n',
    'é',
    '\u0000',
    1,
    null,
    undefined,
    ['a'],
    { length: 1 },
  ])('%j may not', (text) => {
    expect(isClaimText(text)).toBe(false);
  });
});

describe('systemRandom', () => {
  test("gives as many bytes as asked, other ones each time, and they are the caller's", () => {
    const [a, b] = [systemRandom.bytes(32), systemRandom.bytes(32)];
    expect(a).toHaveLength(32);
    expect(Buffer.compare(a, b)).not.toBe(0);
    a.fill(0);
    expect(Buffer.compare(b, Buffer.alloc(32))).not.toBe(0);
  });

  test('uniform is in [0, 1)', () => {
    for (let i = 0; i < 1000; i++) {
      const u = systemRandom.uniform();
      expect(u >= 0 && u < 1).toBe(true);
    }
  });
});
