/**
 * What a JSON value must look like, and the type that it then has.
 *
 * A shape is used twice: what we write must have no member that it does not name (`closed`), what we read may (a later
 * version wrote it).
 */
export interface Shape<T> {
  /** Returns what is wrong with `value`, which stands at `at`, or undefined. Quotes nothing of the value. */
  readonly fault: (value: unknown, at: string, closed: boolean) => string | undefined;
  /** Never present: it carries the type. */
  readonly type?: T;
}

/** The type of the values that a shape accepts. */
export type ShapeOf<S> = S extends Shape<infer T> ? T : never;

/** Members by name, each with its shape. */
export type Members = Readonly<Record<string, Shape<unknown>>>;

/** The object type of members. */
export type ObjectOf<M extends Members> = { readonly [K in keyof M]: ShapeOf<M[K]> };

/** A value for which `test` holds; `what` completes the sentence "x is not …". */
export function matching<T>(what: string, test: (value: unknown) => boolean): Shape<T> {
  return { fault: (value, at) => (test(value) ? undefined : `${at} is not ${what}`) };
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
  return { fault: (value, at, closed) => (value === null ? undefined : shape.fault(value, at, closed)) };
}

/** An array of at most `max` values of one shape. */
export function list<T>(item: Shape<T>, max: number): Shape<readonly T[]> {
  return {
    fault(value, at, closed) {
      if (!Array.isArray(value)) return `${at} is not an array`;
      if (value.length > max) return `${at} has more than ${max} items`;
      for (let i = 0; i < value.length; i++) {
        const fault = item.fault(value[i], `${at}[${i}]`, closed);
        if (fault !== undefined) return fault;
      }
      return undefined;
    },
  };
}

/** An object with exactly these members; of those in `optional` any may be absent. */
export function object<M extends Members, O extends Members = Record<never, never>>(
  members: M,
  optional?: O,
): Shape<ObjectOf<M> & Partial<ObjectOf<O>>> {
  const known = new Map<string, Shape<unknown>>(Object.entries({ ...members, ...optional }));
  const required = Object.keys(members);
  return {
    fault(value, at, closed) {
      if (!isObject(value)) return `${at} is not an object`;
      for (const name of required) if (!Object.hasOwn(value, name)) return `${at}.${name} is missing`;
      for (const name of Object.keys(value)) {
        const shape = known.get(name);
        const fault = shape
          ? shape.fault(value[name], `${at}.${name}`, closed)
          : closed
            ? `${at} has a member that its type does not name`
            : undefined;
        if (fault !== undefined) return fault;
      }
      return undefined;
    },
  };
}

/** An object whose member names are free, of at most `max` members. */
export function dictionary<T>(name: Shape<string>, member: Shape<T>, max: number): Shape<Readonly<Record<string, T>>> {
  return {
    fault(value, at, closed) {
      if (!isObject(value)) return `${at} is not an object`;
      const names = Object.keys(value);
      if (names.length > max) return `${at} has more than ${max} members`;
      for (const each of names) {
        const fault = name.fault(each, `a name in ${at}`, closed) ?? member.fault(value[each], `${at}.*`, closed);
        if (fault !== undefined) return fault;
      }
      return undefined;
    },
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
