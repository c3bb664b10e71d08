import { TallystickError } from '@tallystick/core';

/** The members of a JSON object that came over a socket. */
export type Members = Readonly<Record<string, unknown>>;

/**
 * Parses a JSON object.
 *
 * @throws {TallystickError} `protocol_error`
 */
export function readJson(text: string, what: string): Members {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw fault(what, 'is not JSON');
  }
  return readObject(value, what);
}

export function readObject(value: unknown, what: string): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fault(what, 'is not a JSON object');
  return value as Members;
}

export function readText(members: Members, name: string, what: string): string {
  const value = members[name];
  if (typeof value !== 'string' || value === '') throw fault(what, `has no text "${name}"`);
  return value;
}

export function readOptionalText(members: Members, name: string, what: string): string | undefined {
  return members[name] === undefined || members[name] === null ? undefined : readText(members, name, what);
}

export function readNumber(members: Members, name: string, what: string): number {
  const value = members[name];
  if (typeof value !== 'number' || !Number.isFinite(value)) throw fault(what, `has no number "${name}"`);
  return value;
}

/** Reads an instant of RFC 3339. */
export function readTime(members: Members, name: string, what: string): Date {
  const text = readText(members, name, what);
  const time = new Date(text);
  // `Date` alone takes "1" for a year, in the time zone of the reader.
  if (!RFC_3339.test(text) || Number.isNaN(time.getTime())) throw fault(what, `has no time "${name}"`);
  return time;
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

export function readList<T>(members: Members, name: string, what: string, read: (item: unknown) => T): readonly T[] {
  const value = members[name];
  if (!Array.isArray(value)) throw fault(what, `has no list "${name}"`);
  return value.map(read);
}

export function readTexts(members: Members, name: string, what: string): readonly string[] {
  return readList(members, name, what, (item) => {
    if (typeof item !== 'string') throw fault(what, `has something other than text in "${name}"`);
    return item;
  });
}

export function fault(what: string, why: string): TallystickError {
  return new TallystickError('protocol_error', `the ${what} ${why}`);
}
