import { parseCheckpointBody } from '../tlog/checkpoint.ts';
import { parseNote } from '../tlog/signed-note.ts';
import type { LogFiles } from './log-files.ts';
import { comparePlaces, originOf, placeNumbers, placePath, type LogOwner, type LogPlace } from './log-place.ts';

/** The last head of a log that another one continues. */
export interface PreviousHead {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  /** The signed checkpoint, byte for byte. It is the word of its own log: who knows that log's key can judge it. */
  readonly checkpoint: Uint8Array;
}

/**
 * Where a log comes from, which its first record says. `genesis`: it is the first. `shard`: it continues a log that
 * was closed in order. `incarnation`: it takes the place of one whose tail was lost, repaired, or found behind an
 * anchor.
 */
export interface Lineage {
  readonly relation: 'genesis' | 'shard' | 'incarnation';
  /** Origin of the log that is beginning. */
  readonly origin: string;
  /** Absent of a `genesis`, and where nothing of the log before can be read. */
  readonly previous?: PreviousHead;
}

/**
 * Returns where the log at a place comes from, by the folders before it.
 *
 * @param files The folder of all logs.
 */
export async function lineageOf(files: LogFiles, owner: LogOwner, place: LogPlace): Promise<Lineage> {
  const origin = originOf(owner, place);
  const { incarnation, shard } = place;
  if (shard > 1) {
    const previous = await previousHead(files, owner, { incarnation, shard: shard - 1 });
    return { relation: 'shard', origin, ...(previous && { previous }) };
  }
  // A log that was begun and never had a record tells nothing; the one before it does.
  for (const before of await placesBefore(files, place)) {
    const previous = await previousHead(files, owner, before);
    if (previous) return { relation: 'incarnation', origin, previous };
  }
  return { relation: incarnation > 1 ? 'incarnation' : 'genesis', origin };
}

/** Returns the newest log in a folder; undefined where there is none. */
export async function newestPlace(files: LogFiles): Promise<LogPlace | undefined> {
  const incarnation = placeNumbers(await files.list('')).at(-1);
  if (incarnation === undefined) return undefined;
  return { incarnation, shard: placeNumbers(await files.list(String(incarnation))).at(-1) ?? 1 };
}

/** Returns the logs before a place, the newest first. */
async function placesBefore(files: LogFiles, place: LogPlace): Promise<LogPlace[]> {
  const places: LogPlace[] = [];
  for (const incarnation of placeNumbers(await files.list(''))) {
    for (const shard of placeNumbers(await files.list(String(incarnation)))) places.unshift({ incarnation, shard });
  }
  return places.filter((each) => comparePlaces(each, place) < 0);
}

async function previousHead(files: LogFiles, owner: LogOwner, place: LogPlace): Promise<PreviousHead | undefined> {
  try {
    const checkpoint = await files.read(`${placePath(place)}/checkpoint`);
    const { size, root, origin } = parseCheckpointBody(parseNote(checkpoint!).text, 'refuse');
    return origin === originOf(owner, place) ? { origin, size, root, checkpoint: checkpoint! } : undefined;
  } catch {
    // The log before may be damaged in any way: that is why there is a new one.
    return undefined;
  }
}
