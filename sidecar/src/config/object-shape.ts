import { didYouMean } from '@tallystick/core';
import { nameOf, type Report, type Path } from './fault.ts';
import { isMapping, notA, wrong, type Draft, type JsonSchema, type Shape } from './shape.ts';

/** A key of a mapping. */
export interface Member<T> {
  readonly shape: Shape<T>;
  /** What it is for, as an editor shows it. */
  readonly doc: string;
  readonly presence: 'required' | 'optional';
  /** What stands in its place when it is missing. */
  readonly fallback: T;
  /** How it may be written, for the remedy when it is missing. */
  readonly example: string;
}

/** A key that must be there. `example` completes the remedy "add it: ". */
export function required<T>(shape: Shape<T>, doc: string, example: string): Member<T> {
  return { shape, doc, presence: 'required', fallback: undefined as T, example };
}

/** A key that may be missing: it is `undefined` then. */
export function optional<T>(shape: Shape<T>, doc: string): Member<T | undefined> {
  return { shape: shape as Shape<T | undefined>, doc, presence: 'optional', fallback: undefined, example: '' };
}

/** A key that may be missing: it is `fallback` then. */
export function defaulted<T>(shape: Shape<T>, fallback: NoInfer<T>, doc: string): Member<T> {
  return { shape, doc, presence: 'optional', fallback, example: '' };
}

/** Further rules of a mapping. */
export interface ObjectOptions {
  /** Exactly one of these keys must be there. */
  readonly exactlyOne?: readonly [string, string];
}

type Members = Readonly<Record<string, Member<unknown>>>;
type ObjectOf<M> = { readonly [K in keyof M]: M[K] extends Member<infer T> ? T : never };

/** A mapping with these keys and no others. */
export function object<M extends Members>(members: M, options: ObjectOptions = {}): Shape<ObjectOf<M>> {
  const names = Object.keys(members);
  const entries = Object.entries(members) as [string, Member<unknown>][];
  return {
    schema: schemaOf(entries, options),
    read(value, path, report) {
      if (!isMapping(value)) {
        return wrong(report, path, notA(value, 'a mapping'), `write a mapping with ${names.join(', ')}`);
      }
      const keys = keysOf(value, path, names, report);
      checkExactlyOne(keys, path, options, report);
      const out: Record<string, unknown> = {};
      for (const [name, { shape, presence, fallback, example }] of entries) {
        const key = keys.get(name);
        out[name] = key === undefined ? fallback : shape.read(value[key], [...path, key], report);
        if (key === undefined && presence === 'required') {
          wrong(report, path, `lacks "${name}"`, `add it: ${name}: ${example}`);
        }
      }
      return out as Draft<ObjectOf<M>>;
    },
  };
}

/**
 * Returns the key that each member is written under. What stands under a misspelled key is read as what was meant, so
 * that the mistakes in it are named too, and none for what seems to be missing.
 */
function keysOf(
  value: Readonly<Record<string, unknown>>,
  path: Path,
  names: readonly string[],
  report: Report,
): ReadonlyMap<string, string> {
  // Data that is no YAML may hold undefined, which is as good as no key.
  const given = Object.keys(value).filter((key) => value[key] !== undefined);
  const keys = new Map(given.filter((key) => names.includes(key)).map((key) => [key, key]));
  for (const key of given) {
    if (keys.has(key)) continue;
    const at = [...path, key];
    const add = (message: string, remedy: string): void =>
      report({ path: at, place: 'key', kind: 'schema', message: `${nameOf(at)} ${message}`, remedy });
    const meant = didYouMean(key, names);
    if (key === '<<') add('is not a key here', 'write the keys out: YAML merges are not read');
    else if (meant === undefined) add('is not a key here', `remove it; the keys here are ${names.join(', ')}`);
    else add('is not a key here', `did you mean "${meant}"?`);
    if (meant !== undefined && !keys.has(meant)) keys.set(meant, key);
  }
  return keys;
}

function checkExactlyOne(
  keys: ReadonlyMap<string, string>,
  path: Path,
  { exactlyOne }: ObjectOptions,
  report: Report,
): void {
  if (!exactlyOne) return;
  const [one, other] = exactlyOne;
  const given = Number(keys.has(one)) + Number(keys.has(other));
  if (given === 0) wrong(report, path, `lacks "${one}"`, `add "${one}" or "${other}"`);
  if (given === 2) wrong(report, path, `has "${one}" and "${other}"`, `keep one of the two`);
}

function schemaOf(entries: readonly [string, Member<unknown>][], options: ObjectOptions): JsonSchema {
  const needed = entries.filter(([, member]) => member.presence === 'required').map(([name]) => name);
  return {
    type: 'object',
    properties: Object.fromEntries(
      entries.map(([name, { shape, doc, fallback }]) => [
        name,
        { description: doc, ...shape.schema, ...(fallback !== undefined && { default: jsonOf(fallback) }) },
      ]),
    ),
    ...(needed.length > 0 && { required: needed }),
    additionalProperties: false,
    ...(options.exactlyOne && { oneOf: options.exactlyOne.map((name) => ({ required: [name] })) }),
  };
}

function jsonOf(value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries(value) : value;
}
