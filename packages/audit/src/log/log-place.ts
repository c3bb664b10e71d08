import { TlogError } from '../tlog/tlog-error.ts';
import { isKeyName } from '../tlog/note-key.ts';

/** Whose log it is. */
export interface LogOwner {
  readonly trustDomain: string;
  readonly sidecarId: string;
}

/** Which of its owner's logs it is. Both count from 1. */
export interface LogPlace {
  /** Counts the times a tail was lost, repaired or found behind an anchor. */
  readonly incarnation: number;
  /** Counts the periods of an incarnation. */
  readonly shard: number;
}

/**
 * Returns the origin `<trust domain>/<sidecar id>/<incarnation>/<shard>`, which names the log and its key.
 *
 * @throws {TlogError} `origin`: a part is empty, or has a character that an origin or a part of it may not have.
 */
export function originOf({ trustDomain, sidecarId }: LogOwner, place: LogPlace): string {
  for (const part of [trustDomain, sidecarId]) {
    if (!isKeyName(part) || part.includes('/')) {
      throw new TlogError('origin', 'a part of an origin is not empty and has no space, no plus and no slash');
    }
  }
  return `${trustDomain}/${sidecarId}/${placePath(place)}`;
}

/** Returns the folder of a log below that of all logs. */
export function placePath({ incarnation, shard }: LogPlace): string {
  return `${incarnation}/${shard}`;
}

/** Returns a negative number where `a` is the older log, zero where both are the same. */
export function comparePlaces(a: LogPlace, b: LogPlace): number {
  return a.incarnation - b.incarnation || a.shard - b.shard;
}

/** Returns the numbers that names of folders say, the lowest first; other names are left alone. */
export function placeNumbers(names: readonly string[]): number[] {
  return names
    .filter((name) => /^[1-9][0-9]{0,8}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}
