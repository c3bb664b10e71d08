import { didYouMean } from '@tallystick/core';
import { nameOf, type Fault, type Path, type Report } from './fault.ts';

/** A schema in JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * What a value of the configuration looks like: one description that reads it and that the JSON Schema is made of.
 */
export interface Shape<T> {
  readonly schema: JsonSchema;
  /** Reports every mistake in `value`, and returns what of it can be used. */
  read(value: unknown, path: Path, report: Report): Draft<T> | undefined;
  /** Never there; carries the type. */
  readonly type?: T;
}

/** The type that a shape describes. */
export type TypeOf<S> = S extends Shape<infer T> ? T : never;

/**
 * A `T` in which whatever had a mistake is undefined, so that the rest can be judged in the same round. When nothing
 * was reported it is a `T`.
 */
export type Draft<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends ReadonlyMap<infer K, infer V>
    ? ReadonlyMap<K, Draft<V> | undefined>
    : T extends readonly (infer U)[]
      ? readonly (Draft<U> | undefined)[]
      : { readonly [K in keyof T]: Draft<T[K]> | undefined };

/** What {@link text} needs to know. */
export interface TextOptions {
  /** Completes "is not …". */
  readonly is: string;
  /** Completes "write …". */
  readonly write: string;
  /** Anchored, with the `u` flag and no other: JSON Schema compiles patterns so. */
  readonly pattern: RegExp;
  /** Returns what is wrong with a text that the pattern accepts, completing "is not …: ", or undefined. */
  readonly check?: (text: string) => string | undefined;
}

/** A string. */
export function text({ is, write, pattern, check }: TextOptions): Shape<string> {
  return {
    schema: { type: 'string', pattern: pattern.source },
    read(value, path, report) {
      const mistake = (kind: Fault['kind'], message: string, remedy = `write ${write}`): undefined =>
        report({ path, place: 'value', kind, message: `${nameOf(path)} ${message}`, remedy }) as undefined;
      if (typeof value === 'number' || typeof value === 'boolean') {
        return mistake('schema', `is a ${typeof value}`, `put it in quotes: write ${write}`);
      }
      if (typeof value !== 'string') return mistake('schema', notA(value, 'text'));
      if (!pattern.test(value)) return mistake('schema', `is not ${is}`);
      const objection = check?.(value);
      return objection === undefined ? value : mistake('meaning', `is not ${is}: ${objection}`);
    },
  };
}

/** A whole number. */
export function integer({ min, max }: { min: number; max: number }): Shape<number> {
  return {
    schema: { type: 'integer', minimum: min, maximum: max },
    read(value, path, report) {
      if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
      return wrong(
        report,
        path,
        `is not a whole number from ${min} to ${max}`,
        `write a whole number from ${min} to ${max}`,
      );
    },
  };
}

/** Yes or no. */
export function flag(): Shape<boolean> {
  return {
    schema: { type: 'boolean' },
    read(value, path, report) {
      if (typeof value === 'boolean') return value;
      return wrong(report, path, 'is not true or false', 'write true or false');
    },
  };
}

/** One of a closed set of words. `later`: words of a version to come, refused as such. */
export function choice<const T extends string>(words: readonly T[], later: readonly string[] = []): Shape<T> {
  const all = words.length === 1 ? `"${words[0]}"` : `one of ${words.join(', ')}`;
  return {
    schema: { enum: words },
    read(value, path, report) {
      const found = words.find((word) => word === value);
      if (found !== undefined) return found as Draft<T>;
      if (typeof value !== 'string') return wrong(report, path, notA(value, all), `write ${all}`);
      if (later.includes(value))
        return wrong(report, path, `is "${value}", which is not in this version`, `write ${all}`);
      const meant = didYouMean(value, words);
      return wrong(report, path, `is not ${all}`, meant === undefined ? `write ${all}` : `did you mean "${meant}"?`);
    },
  };
}

/** The number `value` and no other. */
export function constant<const T extends number>(value: T): Shape<T> {
  return {
    schema: { const: value },
    read: (given, path, report) =>
      (given === value ? value : wrong(report, path, notA(given, String(value)), `write ${value}, without quotes`)) as
        | Draft<T>
        | undefined,
  };
}

/** A `shape`, or null. */
export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return {
    schema: { anyOf: [shape.schema, { type: 'null' }] },
    read: (value, path, report) =>
      (value === null ? null : shape.read(value, path, report)) as Draft<T | null> | undefined,
  };
}

/** A short form in a string, or a long form in a mapping or list. */
export function either<S extends string, L>(short: Shape<S>, long: Shape<L>): Shape<S | L> {
  return {
    schema: { anyOf: [short.schema, long.schema] },
    read: (value, path, report) =>
      // What is neither is held against the short form, which is what people write first.
      (typeof value === 'object' && value !== null ? long : short).read(value, path, report) as
        | Draft<S | L>
        | undefined,
  };
}

/** A list. `distinct`: of texts, each once. */
export function list<T>(item: Shape<T>, { min = 0, distinct = false } = {}): Shape<readonly T[]> {
  return {
    schema: {
      type: 'array',
      items: item.schema,
      ...(min > 0 && { minItems: min }),
      ...(distinct && { uniqueItems: true }),
    },
    read(value, path, report) {
      if (!Array.isArray(value)) return wrong(report, path, notA(value, 'a list'), 'write a list: [one, two]');
      if (value.length < min) wrong(report, path, 'is empty', 'give at least one');
      const seen = new Set<unknown>();
      return value.map((given: unknown, i) => {
        const at = [...path, i];
        if (distinct && seen.has(given)) return wrong(report, at, 'is given twice', 'remove one of the two');
        seen.add(given);
        return item.read(given, at, report);
      }) as unknown as Draft<readonly T[]>;
    },
  };
}

/** Values by name. */
export function map<T>(name: TextOptions, value: Shape<T>): Shape<ReadonlyMap<string, T>> {
  return {
    schema: { type: 'object', propertyNames: { pattern: name.pattern.source }, additionalProperties: value.schema },
    read(given, path, report) {
      if (!isMapping(given)) return wrong(report, path, notA(given, 'a mapping'), 'write a mapping: { name: … }');
      const entries = new Map<string, Draft<T> | undefined>();
      for (const key of Object.keys(given)) {
        const at = [...path, key];
        if (!name.pattern.test(key)) {
          report({
            path: at,
            place: 'key',
            kind: 'schema',
            message: `${nameOf(at)} is not ${name.is}`,
            remedy: `write ${name.write}`,
          });
        }
        entries.set(key, value.read(given[key], at, report));
      }
      return entries as unknown as Draft<ReadonlyMap<string, T>>;
    },
  };
}

/** True for what YAML calls a mapping. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reports a mistake that the JSON Schema sees too. */
export function wrong(report: Report, path: Path, message: string, remedy: string): undefined {
  report({ path, place: 'value', kind: 'schema', message: `${nameOf(path)} ${message}`, remedy });
}

/** Says of a value of the wrong type what it is instead. */
export function notA(value: unknown, wanted: string): string {
  if (value === null || value === undefined) return 'has no value';
  return `is not ${wanted}`;
}
