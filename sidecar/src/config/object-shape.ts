import { didYouMean } from './did-you-mean.ts';
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
  /** Keys of a version to come, refused as such. */
  readonly later?: readonly string[];
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
      for (const key of Object.keys(value)) {
        if (!names.includes(key)) reportUnknown([...path, key], key, names, options, report);
      }
      checkExactlyOne(value, path, options, report);
      const out: Record<string, unknown> = {};
      for (const [key, member] of entries) {
        if (Object.hasOwn(value, key)) out[key] = member.shape.read(value[key], [...path, key], report);
        else if (member.presence === 'optional') out[key] = member.fallback;
        else {
          out[key] = undefined;
          wrong(report, path, `lacks "${key}"`, `add it: ${key}: ${member.example}`);
        }
      }
      return out as Draft<ObjectOf<M>>;
    },
  };
}

function reportUnknown(
  path: Path,
  key: string,
  names: readonly string[],
  options: ObjectOptions,
  report: Report,
): void {
  const add = (message: string, remedy: string): void =>
    report({ path, place: 'key', kind: 'schema', message: `${nameOf(path)} ${message}`, remedy });
  if (options.later?.includes(key)) return add('is not in this version', 'remove it, or run a version that has it');
  if (key === '<<') return add('is not a key here', 'write the keys out: YAML merges are not read');
  const meant = didYouMean(key, names);
  add(
    'is not a key here',
    meant === undefined ? `remove it; the keys here are ${names.join(', ')}` : `did you mean "${meant}"?`,
  );
}

function checkExactlyOne(
  value: Readonly<Record<string, unknown>>,
  path: Path,
  options: ObjectOptions,
  report: Report,
): void {
  if (!options.exactlyOne) return;
  const [one, other] = options.exactlyOne;
  const given = Number(Object.hasOwn(value, one)) + Number(Object.hasOwn(value, other));
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
