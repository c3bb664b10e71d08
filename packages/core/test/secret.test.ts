import { deepStrictEqual, type AssertionError } from 'node:assert';
import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { format, inspect } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, Secret, TallystickError, type Json } from '../src/index.ts';

const VALUE = 'canary-7f3a9c';
const secret = new Secret(VALUE);
const bytes = new Secret(Buffer.from(VALUE));
const holders = {
  bare: secret,
  bytes,
  nested: { list: [secret, bytes], map: new Map([['k', secret]]), set: new Set([bytes]) },
};

/** The value in the forms in which a byte secret could show. */
const FORMS = [
  VALUE,
  Buffer.from(VALUE).toString('hex'),
  Buffer.from(VALUE).toString('base64'),
  [...Buffer.from(VALUE)].join(','),
];

function expectHidden(text: string): void {
  for (const form of FORMS) expect(text.replace(/[\s<>]|Buffer/g, '')).not.toContain(form);
  // util.inspect prints bytes as "63 61 6e"
  expect(text).not.toContain(
    Buffer.from(VALUE)
      .toString('hex')
      .replace(/(..)(?!$)/g, '$1 '),
  );
}

describe('Secret shows its value to nobody but reveal()', () => {
  test('reveal() gives the value', () => {
    expect(secret.reveal()).toBe(VALUE);
    expect(Buffer.from(bytes.reveal()).toString()).toBe(VALUE);
  });

  test('as text: String, template, concatenation, locale, tag', () => {
    // oxlint-disable-next-line typescript/restrict-template-expressions -- that is the point
    const texts = [String(secret), `${secret}`, '' + secret, secret.toLocaleString(), [secret].join(), [secret] + ''];
    expect(texts).toEqual(Array(texts.length).fill('[secret]'));
    expect(Number(secret)).toBeNaN();
    expect(Object.prototype.toString.call(secret)).toBe('[object Secret]');
  });

  test('as JSON, also in depth, as a key, and by canonical JSON', () => {
    expect(JSON.stringify({ a: secret, b: [secret] })).toBe('{"a":"[secret]","b":["[secret]"]}');
    expectHidden(JSON.stringify(holders, null, 2));
    expect(Object.keys({ [secret as unknown as string]: 1 })).toEqual(['[secret]']);
    expect(() => canonicalJson({ secret } as unknown as Json)).toThrow(TypeError);
  });

  test('by util.inspect with every combination of options', () => {
    for (const bits of Array.from({ length: 32 }, (_, n) => [1, 2, 4, 8, 16].map((bit) => (n & bit) !== 0))) {
      const [showHidden, customInspect, getters, showProxy, compact] = bits as [
        boolean,
        boolean,
        boolean,
        boolean,
        boolean,
      ];
      const options = { showHidden, customInspect, getters, showProxy, compact, depth: null, maxArrayLength: null };
      expectHidden(inspect(holders, options));
      expectHidden(inspect(new Proxy(secret, {}), options));
      expectHidden(inspect(Object.create(secret), options));
    }
  });

  test('by every directive of util.format', () => {
    for (const directive of ['%s', '%d', '%i', '%f', '%j', '%o', '%O', '%c', ''])
      expectHidden(format(directive, secret, bytes));
  });

  test('by console.log, error, table, dir', () => {
    let written = '';
    const stream = new Writable({ write: (chunk, _encoding, done) => ((written += String(chunk)), done()) });
    const out = new Console(stream, stream);
    out.log(secret, holders, '%s', secret);
    out.error(new Error('failed', { cause: secret }));
    out.table([holders]);
    out.dir(holders, { depth: null, showHidden: true });
    expect(written).toContain('[secret]');
    expectHidden(written);
  });

  test("in an error: message, cause, stack, AggregateError, and a matcher's difference", () => {
    expectHidden(inspect(new Error(`refused ${secret.toString()}`, { cause: { secret, bytes } }), { depth: null }));
    expectHidden(
      inspect(new AggregateError([new TallystickError('internal_error', 'x', { cause: secret })]), { depth: null }),
    );
    try {
      deepStrictEqual({ secret }, { secret: 'other' });
      expect.unreachable();
    } catch (error) {
      expectHidden((error as AssertionError).message);
    }
    try {
      expect({ secret, bytes }).toEqual({ secret: 'other', bytes: 1 });
      expect.unreachable();
    } catch (error) {
      expectHidden(inspect(error, { depth: null, showHidden: true }));
    }
  });

  test('copied: spread, assign, entries, own names and symbols, structuredClone', () => {
    for (const one of [secret, bytes]) {
      // oxlint-disable-next-line typescript/no-misused-spread -- that is the point
      expect({ ...one }).toEqual({});
      expect(Object.assign({}, one)).toEqual({});
      expect(Object.entries(one)).toEqual([]);
      expect(Reflect.ownKeys(one)).toEqual([]);
      const names: string[] = [];
      for (const name in one) names.push(name);
      expect(names).toEqual([]);
      expect(Reflect.ownKeys(structuredClone(one))).toEqual([]);
    }
    expectHidden(inspect(structuredClone({ secret, bytes }), { showHidden: true }));
  });

  test('sent: postMessage through a MessageChannel, v8.serialize', () => {
    const { port1, port2 } = new MessageChannel();
    port1.postMessage({ secret, bytes });
    const received = receiveMessageOnPort(port2)?.message as { secret: object; bytes: object };
    port1.close();
    expect(Reflect.ownKeys(received.secret)).toEqual([]);
    expect(Reflect.ownKeys(received.bytes)).toEqual([]);
    const wire = serialize({ secret, bytes });
    expect(wire.includes(VALUE)).toBe(false);
    expectHidden(inspect(deserialize(wire)));
  });

  test('cannot be given members that show it, or lose its guards', () => {
    expect(Object.isFrozen(secret)).toBe(true);
    expect(() => Object.assign(secret, { toString: () => secret.reveal() })).toThrow(TypeError);
  });
});

describe('Secret.equals', () => {
  test('is true for the same bytes, whatever object and whichever type holds them', () => {
    expect(secret.equals(new Secret(VALUE))).toBe(true);
    expect(secret.equals(bytes)).toBe(true);
    expect(new Secret('').equals(new Secret(new Uint8Array()))).toBe(true);
  });

  test('is what deepEqual is not: it tells two different secrets apart', () => {
    expect(secret.equals(new Secret('another'))).toBe(false);
    expect(() => deepStrictEqual(secret, new Secret('another'))).not.toThrow();
  });

  test('agrees with the comparison of bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4, max: 2 }), fc.uint8Array({ maxLength: 4, max: 2 }), (a, b) => {
        expect(new Secret(a).equals(new Secret(b))).toBe(Buffer.compare(a, b) === 0);
      }),
    );
  });
});
