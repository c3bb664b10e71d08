/** The DER encoding of ASN.1 (ITU-T X.690), as far as certificates of ours need it. */

/** Returns one element: its tag, the length of its content, and that. */
function element(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.of(tag), lengthOf(content.length), content]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  const significant = bytes.subarray(bytes.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.of(0x80 | significant.length), significant]);
}

export function sequence(...parts: readonly Buffer[]): Buffer {
  return element(0x30, Buffer.concat(parts));
}

export function set(...parts: readonly Buffer[]): Buffer {
  return element(0x31, Buffer.concat(parts));
}

/** An unsigned integer, from its big-endian bytes. */
export function unsigned(bytes: Uint8Array): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const significant = first < 0 ? Buffer.of(0) : Buffer.from(bytes.subarray(first));
  return element(0x02, significant[0]! < 0x80 ? significant : Buffer.concat([Buffer.of(0), significant]));
}

export function boolean(value: boolean): Buffer {
  return element(0x01, Buffer.of(value ? 0xff : 0));
}

/** @param text Dotted: `2.5.29.17`. */
export function objectIdentifier(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  return element(0x06, Buffer.from([first * 40 + second, ...rest].flatMap(base128)));
}

function base128(value: number): number[] {
  const groups = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) groups.unshift((rest & 0x7f) | 0x80);
  return groups;
}

export function octetString(content: Uint8Array): Buffer {
  return element(0x04, Buffer.from(content));
}

/** @param unusedBits Bits at the end of the last byte that are none of it. */
export function bitString(content: Uint8Array, unusedBits = 0): Buffer {
  return element(0x03, Buffer.concat([Buffer.of(unusedBits), content]));
}

export function utf8String(text: string): Buffer {
  return element(0x0c, Buffer.from(text, 'utf8'));
}

/** Whole seconds, in the form that RFC 5280 §4.1.2.5 asks for: `UTCTime` through 2049, then `GeneralizedTime`. */
export function time(ms: number): Buffer {
  const digits = new Date(ms)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:T]/g, '');
  return new Date(ms).getUTCFullYear() < 2050
    ? element(0x17, Buffer.from(digits.slice(2), 'latin1'))
    : element(0x18, Buffer.from(digits, 'latin1'));
}

/** An element that its place alone gives its meaning: `[number]`. */
export function tagged(number: number, content: Buffer, form: 'primitive' | 'constructed'): Buffer {
  return element((form === 'constructed' ? 0xa0 : 0x80) | number, content);
}

/** An element as it was read. */
export interface Element {
  readonly tag: number;
  readonly content: Buffer;
  /** Its bytes, tag and length included. */
  readonly whole: Buffer;
}

/**
 * Reads the elements that `bytes` are made of, one after the other. Lengths have the one form that DER allows.
 *
 * @throws {RangeError} They are none.
 */
export function readElements(bytes: Buffer): Element[] {
  const elements: Element[] = [];
  let at = 0;
  while (at < bytes.length) {
    const { header, length } = readHeader(bytes, at);
    const end = at + header + length;
    if (end > bytes.length) throw new RangeError('an element is longer than what it is in');
    elements.push({ tag: bytes[at]!, content: bytes.subarray(at + header, end), whole: bytes.subarray(at, end) });
    at = end;
  }
  return elements;
}

function readHeader(bytes: Buffer, at: number): { header: number; length: number } {
  const first = bytes[at + 1];
  if (first === undefined || (bytes[at]! & 0x1f) === 0x1f) throw new RangeError('an element has no length');
  if (first < 0x80) return { header: 2, length: first };
  const size = first & 0x7f;
  if (size === 0 || size > 4 || at + 2 + size > bytes.length) throw new RangeError('a length is not definite');
  const length = bytes.readUIntBE(at + 2, size);
  if (length < 0x80 || lengthOf(length).length !== size + 1) throw new RangeError('a length is not in its one form');
  return { header: 2 + size, length };
}
