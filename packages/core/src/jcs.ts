/** A value that JSON can carry. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * Returns the canonical JSON text of `value`: members sorted by UTF-16 code units, no white space, numbers as
 * ECMAScript prints them (RFC 8785). Members that are `undefined` are left out.
 *
 * @throws {TypeError} A number is not finite, a string has a lone surrogate, or a value has no JSON form: an
 * instance of a class has none, whatever its `toJSON`.
 * @see https://www.rfc-editor.org/rfc/rfc8785
 */
export function canonicalJson(value: Json): string {
  // What is built in this order, as records are, needs no sorting: the engine then writes it at a sixth of the cost.
  return isInOrder(value) ? JSON.stringify(value) : write(value);
}

/** True when `JSON.stringify` gives the canonical text: all is plain JSON, and every object has its members in order. */
function isInOrder(value: unknown): boolean {
  if (value === null || typeof value === 'boolean') return true;
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value === 'number') return Number.isFinite(value);
  if (Array.isArray(value)) {
    // By index: `every` would skip the holes of a sparse array.
    for (let i = 0; i < value.length; i++) if (!isInOrder(value[i])) return false;
    return true;
  }
  if (!isPlainObject(value)) return false;
  let before: string | undefined;
  for (const key of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[key];
    if ((before !== undefined && before > key) || !key.isWellFormed()) return false;
    if (member !== undefined && !isInOrder(member)) return false;
    before = key;
  }
  return true;
}

function write(value: Json): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return text(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError('a number that is not finite has no canonical JSON form');
    return JSON.stringify(value);
  }
  // Array.from: `map` would skip the holes of a sparse array, and print nothing for them.
  if (Array.isArray(value)) return `[${Array.from(value, (item) => canonicalJson(item as Json)).join(',')}]`;
  if (!isPlainObject(value)) throw new TypeError(`a value of type ${typeof value} has no canonical JSON form`);
  const object = value as { readonly [key: string]: Json | undefined };
  let out = '';
  for (const key of Object.keys(object).sort()) {
    const member = object[key];
    if (member !== undefined) out += `${out === '' ? '' : ','}${text(key)}:${canonicalJson(member)}`;
  }
  return `{${out}}`;
}

// A Date, a Map or a Secret has no members of its own: it would silently become `{}`.
function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // The second test, for an object that another realm made.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function text(value: string): string {
  if (!value.isWellFormed()) throw new TypeError('a string with a lone surrogate has no canonical JSON form');
  return JSON.stringify(value);
}
