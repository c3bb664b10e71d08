import { join } from 'node:path';
import {
  createNodeLogFiles,
  formatOrigin,
  openLogReader,
  parseOrigin,
  placePath,
  tileReaderOf,
  tileWidth,
  TlogError,
  type LogPlace,
  type SignedHead,
} from '@tallystick/audit';
import { openPublishedFiles, type PublishedFiles } from '../anchor/anchored-log.ts';
import { comparePlaces, placesIn } from './log-places.ts';
import type { OpenedRecorder } from './opened-recorder.ts';

/** Who one log is. */
export interface PublishedLog {
  readonly origin: string;
  readonly vkey: string;
  readonly place: LogPlace;
  /** It takes no more records. */
  readonly isClosed: boolean;
}

/** A tile of hashes: entries are for nobody outside. */
export interface HashTile {
  readonly level: number;
  readonly index: number;
  readonly width: number;
}

/** What anybody may have of the logs of this sidecar. */
export interface PublishedLogs {
  /** Returns all logs that are there, the oldest first; the last one takes records. */
  list(): Promise<PublishedLog[]>;
  /** Returns the published head of a log; undefined where there is none. */
  head(place: LogPlace): Promise<SignedHead | undefined>;
  /** Returns the hashes of a tile; undefined where the published head has no such tile. */
  tile(place: LogPlace, tile: HashTile): Promise<Buffer | undefined>;
}

/** The inputs of {@link createPublishedLogs}. */
export interface PublishedLogsOptions {
  /** The folder of all logs. */
  readonly folder: string;
  /** What says which log takes records now, and how much of that is published. */
  readonly recorder: Pick<OpenedRecorder, 'origin' | 'place' | 'log'>;
}

const HASH_BYTES = 32;

/** Returns what is published of the logs in a folder, as it is then. It caches nothing: what is deleted is gone. */
export function createPublishedLogs({ folder, recorder }: PublishedLogsOptions): PublishedLogs {
  const originAt = (place: LogPlace): string => formatOrigin({ ...parseOrigin(recorder.origin)!, ...place });
  // What is wrong with the files of a log is for a verifier to say: to everybody else they are not there.
  const open = (place: LogPlace): Promise<PublishedFiles | undefined> =>
    openPublishedFiles(folder, { origin: originAt(place), place }).catch(() => undefined);
  const head = async (place: LogPlace): Promise<SignedHead | undefined> => {
    const order = comparePlaces(place, recorder.place);
    // A later one is only being begun: nothing of it may be known yet.
    if (order >= 0) return order === 0 ? recorder.log.published() : undefined;
    const own = await open(place);
    return own && (await openLogReader(own.files, own.verifier).catch(() => undefined))?.published();
  };

  return {
    head,
    async list() {
      const newest = recorder.place;
      const logs: PublishedLog[] = [];
      for (const place of await placesIn(folder)) {
        const order = comparePlaces(place, newest);
        const own = order > 0 ? undefined : await open(place);
        if (own) logs.push({ origin: originAt(place), vkey: own.policyLog.vkey, place, isClosed: order < 0 });
      }
      return logs;
    },
    async tile(place, tile) {
      const { level, index, width } = tile;
      const size = (await head(place))?.size ?? 0;
      if (width > tileWidth(level, index, size)) return undefined;
      const readTile = tileReaderOf(createNodeLogFiles(join(folder, placePath(place))));
      try {
        const found = await readTile(tile);
        // Of a full tile that has taken the place of this one, its beginning.
        return found.length < width * HASH_BYTES ? undefined : Buffer.from(found.subarray(0, width * HASH_BYTES));
      } catch (error) {
        if (error instanceof TlogError) return undefined;
        throw error;
      }
    },
  };
}
