/**
 * What a JSON value must look like, and the type that it then has.
 *
 * A shape is used twice: what we write must have no member that it does not name (`closed`), what we read may (a later
 * version wrote it).
 */
export interface Shape<T> {
  /**
   * Returns what is wrong with `value` as the rest of a sentence that begins with where it stands, or undefined. Quotes
   * nothing of the value.
   */
  readonly fault: (value: unknown, closed: boolean) => string | undefined;
  /**
   * True for a value that has the shape, closed, and whose members stand in the order of RFC 8785: `JSON.stringify`
   * then writes its canonical form. One pass without an allocation, as it is on the way of every release.
   */
  readonly isCanonical: (value: unknown) => boolean;
  /** Never present: it carries the type. */
  readonly type?: T;
}

/** The type of the values that a shape accepts. */
export type ShapeOf<S> = S extends Shape<infer T> ? T : never;

/** Members by name, each with its shape. */
export type Members = Readonly<Record<string, Shape<unknown>>>;

/** The object type of members. */
export type ObjectOf<M extends Members> = { readonly [K in keyof M]: ShapeOf<M[K]> };

/** True when a value has the shape, as it is written. */
export function hasShape<T>(shape: Shape<T>, value: unknown): value is T {
  return shape.fault(value, true) === undefined;
}

/** A value without members for which `test` holds, no string with a lone surrogate; `what` completes "x is not …". */
export function matching<T>(what: string, test: (value: unknown) => boolean): Shape<T> {
  const fault = ` is not ${what}`;
  return { fault: (value) => (test(value) ? undefined : fault), isCanonical: test };
}

/** A well-formed string of 1 to `max` UTF-16 code units that matches `pattern`, when one is given. */
export function text(max: number, pattern?: RegExp, what = `a string of 1 to ${max} characters`): Shape<string> {
  return matching(
    what,
    (value) =>
      typeof value === 'string' &&
      value.length > 0 &&
      value.length <= max &&
      value.isWellFormed() &&
      (pattern === undefined || pattern.test(value)),
  );
}

/** An integer that every reader of JSON reads alike: no fraction, no negative zero, below 2^53 (RFC 7493 §2.2). */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Shape<number> {
  return matching(
    `an integer from ${min} to ${max}`,
    (value) =>
      typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0) && value >= min && value <= max,
  );
}

export const flag: Shape<boolean> = matching('true or false', (value) => typeof value === 'boolean');

/** One of some words. */
export function oneOf<const T extends string>(...words: readonly T[]): Shape<T> {
  return matching(`one of ${words.join(', ')}`, (value) => (words as readonly unknown[]).includes(value));
}

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return {
    fault: (value, closed) => (value === null ? undefined : shape.fault(value, closed)),
    isCanonical: (value) => value === null || shape.isCanonical(value),
  };
}

/** An array of at most `max` values of one shape. */
export function list<T>(item: Shape<T>, max: number): Shape<readonly T[]> {
  return {
    fault(value, closed) {
      if (!Array.isArray(value)) return ' is not an array';
      if (value.length > max) return ` has more than ${max} items`;
      for (let i = 0; i < value.length; i++) {
        const fault = item.fault(value[i], closed);
        if (fault !== undefined) return `[${i}]${fault}`;
      }
      return undefined;
    },
    isCanonical(value) {
      if (!Array.isArray(value) || value.length > max) return false;
      for (let i = 0; i < value.length; i++) if (!item.isCanonical(value[i])) return false;
      return true;
    },
  };
}

/** An object with exactly these members; of those in `optional` any may be absent. */
export function object<M extends Members, O extends Members = Record<never, never>>(
  members: M,
  optional?: O,
): Shape<ObjectOf<M> & Partial<ObjectOf<O>>> {
  const known = new Map<string, Shape<unknown>>(Object.entries({ ...optional, ...members }));
  const required = Object.keys(members);
  const inOrder = [...known.keys()]
    .sort()
    .map((name) => ({ name, shape: known.get(name)!, required: Object.hasOwn(members, name) }));
  return {
    fault(value, closed) {
      if (!isObject(value)) return ' is not an object';
      let present = 0;
      for (const name of Object.keys(value)) {
        const shape = known.get(name);
        if (shape) {
          const fault = shape.fault(value[name], closed);
          if (fault !== undefined) return `.${name}${fault}`;
          present += 1;
        } else if (closed) return ' has a member that its type does not name';
      }
      // Optional ones are counted too: where there are any, or too few, each is looked for.
      if (present === required.length && optional === undefined) return undefined;
      const missing = required.find((name) => !Object.hasOwn(value, name));
      return missing === undefined ? undefined : `.${missing} is missing`;
    },
    isCanonical(value) {
      if (!isPlainObject(value)) return false;
      let next = 0;
      // Not by Object.keys, which makes a list; of a plain object this visits the same.
      for (const name in value) {
        while (next < inOrder.length && inOrder[next]!.name !== name) if (inOrder[next++]!.required) return false;
        if (next === inOrder.length || !inOrder[next++]!.shape.isCanonical(value[name])) return false;
      }
      while (next < inOrder.length) if (inOrder[next++]!.required) return false;
      return true;
    },
  };
}

/** An object whose member names are free, of at most `max` members. */
export function dictionary<T>(name: Shape<string>, member: Shape<T>, max: number): Shape<Readonly<Record<string, T>>> {
  return {
    fault(value, closed) {
      if (!isObject(value)) return ' is not an object';
      const names = Object.keys(value);
      if (names.length > max) return ` has more than ${max} members`;
      for (const each of names) {
        if (name.fault(each, closed) !== undefined) return ' has a member with a strange name';
        const fault = member.fault(value[each], closed);
        if (fault !== undefined) return `.*${fault}`;
      }
      return undefined;
    },
    isCanonical(value) {
      if (!isPlainObject(value)) return false;
      let before = '';
      let count = 0;
      for (const each in value) {
        if (each <= before || !name.isCanonical(each) || !member.isCanonical(value[each])) return false;
        before = each;
        count += 1;
      }
      return count <= max;
    },
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** True for an object whose members are all its own. */
function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
