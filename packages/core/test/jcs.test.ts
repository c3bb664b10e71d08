import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, type Json } from '../src/index.ts';

interface Vectors {
  documents: { section: string; input: string; canonicalHex?: string; valuesInOrder?: string[] }[];
  numbers: [ieee754: string, text: string][];
  refusedNumbers: string[];
}
const vectors = JSON.parse(readFileSync(new URL('vectors/rfc8785.json', import.meta.url), 'utf8')) as Vectors;
const double = (hex: string): number => Buffer.from(hex, 'hex').readDoubleBE();

describe('RFC 8785', () => {
  test.each(vectors.documents)('§$section', ({ input, canonicalHex, valuesInOrder }) => {
    const canonical = canonicalJson(JSON.parse(input) as Json);
    if (canonicalHex !== undefined) expect(Buffer.from(canonical).toString('hex')).toBe(canonicalHex);
    if (valuesInOrder) expect(Object.values(reparseInOrder(canonical))).toEqual(valuesInOrder);
  });

  test.each(vectors.numbers)('Appendix B: %s is %s', (hex, text) => {
    expect(canonicalJson(double(hex))).toBe(text);
  });

  test.each(vectors.refusedNumbers)('Appendix B: %s has no form', (hex) => {
    expect(() => canonicalJson(double(hex))).toThrow(TypeError);
  });

  test('§3.2.2.2: control characters have their short escape or lower-case hex, and nothing else is escaped', () => {
    expect(canonicalJson('\b\t\n\f\r"\\/\u0000\u001f\u007f\u2028é😀')).toBe(
      '"\\b\\t\\n\\f\\r\\"\\\\/\\u0000\\u001f\u007f\u2028é😀"',
    );
  });

  test('§3.2.2.2: text that only looks like the escape of a surrogate is text', () => {
    expect(canonicalJson(['\\ud800', { '\\udc00': 1 }])).toBe(String.raw`["\\ud800",{"\\udc00":1}]`);
  });

  test.each(['\ud800', 'a\udc00b', '\udfff\ud800'])(
    '§3.2.2.2: a lone surrogate (%j) is refused, as value and as name',
    (text) => {
      expect(() => canonicalJson(text)).toThrow(TypeError);
      expect(() => canonicalJson({ [text]: 1 })).toThrow(TypeError);
    },
  );
});

// Any character that is not half of one, the planes beyond the first as often as it.
const character = fc
  .oneof(fc.nat(0xff), fc.nat(0xffff), fc.nat(0x10ffff))
  .filter((code) => code < 0xd800 || code > 0xdfff)
  .map((code) => String.fromCodePoint(code));

describe('canonicalJson', () => {
  test('equals a slow reference for any JSON value, and reads back as it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5, stringUnit: character }), (value) => {
        const canonical = canonicalJson(value as Json);
        expect(canonical).toBe(reference(value));
        expect(JSON.parse(canonical)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(JSON.parse(canonical) as Json)).toBe(canonical);
      }),
      { numRuns: 500 },
    );
  });

  test('is the same whether the members are in their order already or not', () => {
    const inOrder = {
      '': [],
      10: 1,
      9: 2,
      A: { a: null, b: undefined, c: 'é\u2028' },
      a: [{ x: -0, y: [true] }],
      é: 1e21,
    };
    expect(canonicalJson(inOrder)).toBe(reference(JSON.parse(JSON.stringify(inOrder))));
    expect(canonicalJson({ b: 1, a: inOrder })).toBe(`{"a":${canonicalJson(inOrder)},"b":1}`);
    expect(canonicalJson({ 10: 1, 9: 2 })).toBe('{"10":1,"9":2}');
    expect(() => canonicalJson({ a: 1, '\ud800': 2 })).toThrow(TypeError);
  });

  test('is the same whatever order the members were added in', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.string({ unit: character }), fc.integer()), { selector: ([name]) => name }),
        fc.nat(),
        (members, turn) => {
          const cut = members.length === 0 ? 0 : turn % members.length;
          const turned = [...members.slice(cut), ...members.slice(0, cut)].reverse();
          expect(canonicalJson(Object.fromEntries(turned))).toBe(canonicalJson(Object.fromEntries(members)));
        },
      ),
    );
  });

  test('leaves out members that are undefined, as JSON.stringify does', () => {
    expect(canonicalJson({ b: undefined, a: 1, c: undefined })).toBe('{"a":1}');
    expect(canonicalJson({ b: undefined })).toBe('{}');
  });

  test('keeps a member named __proto__', () => {
    expect(canonicalJson(JSON.parse('{"b":1,"__proto__":{"a":2}}') as Json)).toBe('{"__proto__":{"a":2},"b":1}');
  });

  test('takes objects without a prototype and of another realm', () => {
    expect(canonicalJson(Object.assign(Object.create(null) as object, { a: 1 }) as Json)).toBe('{"a":1}');
    expect(canonicalJson(runInNewContext('({ b: [1], a: {} })') as Json)).toBe('{"a":{},"b":[1]}');
  });

  test.each([
    ['undefined', undefined],
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['a bigint', 1n],
    ['a Date, though it has toJSON', new Date(0)],
    ['a Map', new Map([['a', 1]])],
    ['bytes', new Uint8Array([1])],
    [
      'an instance of a class',
      new (class Point {
        x = 1;
      })(),
    ],
    ['an undefined item', [1, undefined]],
    // oxlint-disable-next-line no-sparse-arrays -- that is the point
    ['a hole in an array', [1, , 2]],
  ])('refuses %s instead of losing it', (_what, value) => {
    expect(() => canonicalJson(value as Json)).toThrow(TypeError);
    expect(() => canonicalJson({ deep: [value] } as unknown as Json)).toThrow(TypeError);
  });
});

/** Members in the order of the text: JSON.parse moves names that are integers to the front. */
function reparseInOrder(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/"((?:[^"\\]|\\.)*)":("(?:[^"\\]|\\.)*")/g)].map((m) => [
      `_${m[1]!}`,
      JSON.parse(m[2]!) as string,
    ]),
  );
}

/** RFC 8785 §3.2, word for word: names as arrays of UTF-16 code units, compared unit by unit. */
function reference(value: unknown): string {
  if (Array.isArray(value)) {
    let out = '[';
    for (let i = 0; i < value.length; i++) out += (i === 0 ? '' : ',') + reference(value[i]);
    return `${out}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const units = (name: string): number[] => Array.from({ length: name.length }, (_, i) => name.charCodeAt(i));
    const names = Object.getOwnPropertyNames(value);
    for (let i = 0; i < names.length; i++) {
      for (let j = i + 1; j < names.length; j++) {
        const [a, b] = [units(names[i]!), units(names[j]!)];
        let k = 0;
        while (k < a.length && k < b.length && a[k] === b[k]) k++;
        const after = k === b.length ? k < a.length : k < a.length && a[k]! > b[k]!;
        if (after) [names[i], names[j]] = [names[j]!, names[i]!];
      }
    }
    return `{${names.map((name) => `${JSON.stringify(name)}:${reference((value as Record<string, unknown>)[name])}`).join(',')}}`;
  }
  return Object.is(value, -0) ? '0' : JSON.stringify(value);
}
