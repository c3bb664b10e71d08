import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { certificateRequest } from '../src/certificate-request.ts';
import { bitString, objectIdentifier, sequence, smallInteger, tagged } from '../src/der.ts';
import { onPath } from './on-path.ts';

interface Value {
  readonly tag: number;
  readonly content: Buffer;
  /** With tag and length. */
  readonly whole: Buffer;
}

/** Reads DER values, one after another, and refuses a length that is not in its shortest form (X.690 §10.1). */
function read(bytes: Buffer): Value[] {
  const values: Value[] = [];
  for (let rest = bytes; rest.length > 0;) {
    let start = 2;
    let length = rest[1]!;
    if (length >= 0x80) {
      const count = length & 0x7f;
      start += count;
      length = rest.readUIntBE(2, count);
      if (length < 0x80 || rest[2] === 0) throw new Error('not the shortest form');
    }
    if (rest.length < start + length) throw new Error('cut');
    const whole = rest.subarray(0, start + length);
    values.push({ tag: rest[0]!, content: whole.subarray(start), whole });
    rest = rest.subarray(start + length);
  }
  return values;
}

/** Returns an object identifier with dots. */
function dotted(content: Buffer): string {
  const numbers: number[] = [];
  let number = 0;
  for (const byte of content) {
    number = number * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      numbers.push(number);
      number = 0;
    }
  }
  const first = Math.min(2, Math.floor(numbers[0]! / 40));
  return [first, numbers[0]! - first * 40, ...numbers.slice(1)].join('.');
}

describe('DER', () => {
  test('of any length is read as it was written, in the shortest form', () => {
    const lengths = fc.oneof(fc.nat(300), fc.constantFrom(127, 128, 255, 256, 65_535, 65_536));
    fc.assert(
      fc.property(lengths, fc.nat(30), (length, number) => {
        const content = bitString(Buffer.alloc(length, 7));
        const [outer, ...none] = read(tagged(number, sequence(content, smallInteger(5))));
        expect([outer!.tag, none]).toEqual([0xa0 | number, []]);
        const [inner] = read(outer!.content);
        const [bits, integer] = read(inner!.content);
        expect([inner!.tag, bits!.tag, integer!.tag]).toEqual([0x30, 0x03, 0x02]);
        expect(bits!.content).toEqual(Buffer.concat([Buffer.of(0), Buffer.alloc(length, 7)]));
        expect([...integer!.content]).toEqual([5]);
      }),
    );
  });

  test('of any object identifier is read as it was written', () => {
    const identifier = fc
      .tuple(fc.constantFrom(0, 1, 2), fc.nat(39), fc.array(fc.nat(2 ** 40), { maxLength: 12 }))
      .map(([first, second, rest]) => [first, second, ...rest].join('.'));
    fc.assert(
      fc.property(identifier, (text) => {
        const [value] = read(objectIdentifier(text));
        expect([value!.tag, dotted(value!.content)]).toEqual([6, text]);
      }),
    );
  });
});

describe('a certificate request', () => {
  test('has the key, no names and no attributes, and is signed by that key, whatever the key (RFC 2986 §4)', () => {
    fc.assert(
      fc.property(fc.constant(undefined), () => {
        const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
        const [request] = read(certificateRequest(privateKey));
        const [information, algorithm, signature] = read(request!.content);
        const [version, subject, key, attributes, ...none] = read(information!.content);
        expect([...version!.content]).toEqual([0]);
        expect([subject!.tag, subject!.content.length]).toEqual([0x30, 0]);
        expect([attributes!.tag, attributes!.content.length, none]).toEqual([0xa0, 0, []]);
        expect(dotted(read(algorithm!.content)[0]!.content)).toBe('1.2.840.10045.4.3.2');
        const publicKey = createPublicKey({ key: key!.whole, format: 'der', type: 'spki' });
        expect(publicKey.equals(createPublicKey(privateKey))).toBe(true);
        expect(verify('sha256', information!.whole, publicKey, signature!.content.subarray(1))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test.skipIf(!onPath('openssl'))('is one to openssl', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const verified = execFileSync('openssl', ['req', '-inform', 'DER', '-verify', '-text', '-noout'], {
      input: certificateRequest(createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }))),
      stdio: 'pipe',
    }).toString();
    expect(verified).toMatch(/Subject: *\n/);
    expect(verified).toMatch(/prime256v1/);
  });
});
