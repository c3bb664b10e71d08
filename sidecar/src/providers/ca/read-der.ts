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
  if (length < 0x80 || bytes[at + 2] === 0) throw new RangeError('a length is not in its one form');
  return { header: 2 + size, length };
}
