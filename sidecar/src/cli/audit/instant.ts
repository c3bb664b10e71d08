import { UsageError } from '../command.ts';

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

/**
 * Returns the instant that an option names, in milliseconds since the epoch.
 *
 * @throws {UsageError} It is none, or has no zone: a period of evidence is the same for every reader.
 */
export function parseInstant(option: string, text: string): number {
  const ms = INSTANT.test(text) ? Date.parse(text) : NaN;
  if (Number.isFinite(ms)) return ms;
  const example = '2026-11-22T08:00:00Z or 2026-11-22T09:00+01:00';
  const zoneless = Number.isFinite(Date.parse(text));
  throw new UsageError(`${option} ${zoneless ? 'has no time with a zone' : 'is not a time'}: write it as ${example}`);
}

/** Returns the zone that an instant was written in: `UTC`, or its distance from it. */
export function zoneOf(text: string): string {
  const zone = INSTANT.exec(text)?.[1];
  return zone === undefined || zone === 'Z' ? 'UTC' : zone;
}
