/** A value of DER. */
export interface Value {
  readonly tag: number;
  readonly content: Buffer;
  /** With tag and length. */
  readonly whole: Buffer;
}

/** Reads DER values, one after another, and refuses a length that is not in its shortest form (X.690 §10.1). */
export function read(bytes: Buffer): Value[] {
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
export function dotted(content: Buffer): string {
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
