/**
 * The DER encoding of ASN.1 (ITU-T X.690 §10), as far as certificates and requests for them take it. Parts that are given
 * are whole elements, with tag and length.
 */
export const DER = {
  sequence,
  set,
  unsigned,
  boolean,
  objectIdentifier,
  octetString,
  bitString,
  utf8String,
  time,
  tagged,
} as const;

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

function sequence(...parts: readonly Buffer[]): Buffer {
  return element(0x30, Buffer.concat(parts));
}

function set(...parts: readonly Buffer[]): Buffer {
  return element(0x31, Buffer.concat(parts));
}

/** An unsigned integer, from its big-endian bytes. */
function unsigned(bytes: Uint8Array): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const significant = first < 0 ? Buffer.of(0) : Buffer.from(bytes.subarray(first));
  return element(0x02, significant[0]! < 0x80 ? significant : Buffer.concat([Buffer.of(0), significant]));
}

function boolean(value: boolean): Buffer {
  return element(0x01, Buffer.of(value ? 0xff : 0));
}

/** @param text Dotted: `2.5.29.17`. */
function objectIdentifier(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  return element(0x06, Buffer.from([first * 40 + second, ...rest].flatMap(base128)));
}

/** §8.19.2: seven bits a byte, the highest set in all but the last. By division: a number may have more than 32 bits. */
function base128(value: number): number[] {
  const groups = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) groups.unshift(0x80 | (rest % 128));
  return groups;
}

function octetString(content: Uint8Array): Buffer {
  return element(0x04, Buffer.from(content));
}

/** @param unusedBits Bits at the end of the last byte that are none of it. */
function bitString(content: Uint8Array, unusedBits = 0): Buffer {
  return element(0x03, Buffer.concat([Buffer.of(unusedBits), content]));
}

function utf8String(text: string): Buffer {
  return element(0x0c, Buffer.from(text, 'utf8'));
}

/** Whole seconds, in the form that RFC 5280 §4.1.2.5 asks for: `UTCTime` through 2049, then `GeneralizedTime`. */
function time(ms: number): Buffer {
  const digits = new Date(ms)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:T]/g, '');
  return new Date(ms).getUTCFullYear() < 2050
    ? element(0x17, Buffer.from(digits.slice(2), 'latin1'))
    : element(0x18, Buffer.from(digits, 'latin1'));
}

/** An element that its place alone gives its meaning: `[number]`. */
function tagged(number: number, content: Buffer, form: 'primitive' | 'constructed'): Buffer {
  return element((form === 'constructed' ? 0xa0 : 0x80) | number, content);
}
