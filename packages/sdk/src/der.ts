/**
 * Writes DER (ITU-T X.690 §10), as much of it as a certificate request takes. Parts that are given are whole values, with
 * their tags.
 */

/** SEQUENCE */
export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return value(0x30, Buffer.concat(parts));
}

/** INTEGER, from zero to 127. */
export function smallInteger(number: number): Buffer {
  return value(0x02, Buffer.of(number));
}

/** BIT STRING of whole bytes. */
export function bitString(bytes: Uint8Array): Buffer {
  return value(0x03, Buffer.concat([Buffer.of(0), bytes]));
}

/** A constructed value with a tag of its context, 0 to 30: `[number]`. */
export function tagged(number: number, ...parts: readonly Uint8Array[]): Buffer {
  return value(0xa0 | number, Buffer.concat(parts));
}

/** OBJECT IDENTIFIER, written with dots. */
export function objectIdentifier(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  return value(0x06, Buffer.concat([first * 40 + second, ...rest].map(base128)));
}

function value(tag: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(tag), lengthOf(content.length), content]);
}

/** §8.1.3: one byte up to 127, else how many bytes follow, and those. */
function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.of(0x80 | bytes.length, ...bytes);
}

/** §8.19.2: seven bits a byte, the highest set in all but the last. */
function base128(number: number): Buffer {
  const bytes = [number % 128];
  for (let rest = Math.floor(number / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift(0x80 | (rest % 128));
  return Buffer.from(bytes);
}
