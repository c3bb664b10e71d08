import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createNodeLogFiles, formatOrigin, parseOrigin, placePath, type Head, type LogPlace } from '@tallystick/audit';
import type { Timer, Timers } from '@tallystick/core';
import { errorFields, type Log } from '../../observe/log.ts';
import { syncFolder } from '../../state/sync-folder.ts';
import type { OpenedRecorder } from '../opened-recorder.ts';
import { comparePlaces, placesIn } from '../log-places.ts';
import { deletableShards, type StoredShard } from './shard-deletion.ts';
import { OF_THE_LOG } from '../of-the-log.ts';

/** The inputs of {@link startShardRetention}. */
export interface ShardRetentionOptions {
  readonly recorder: Pick<OpenedRecorder, 'origin' | 'place' | 'append' | 'status' | 'countSpace'>;
  /** Folder of the logs. */
  readonly folder: string;
  /** The last heads of logs that take no more records, by origin, when a replica has acknowledged all of them. */
  readonly replicated: ReadonlyMap<string, Head>;
  /** A legal hold. */
  readonly hold: boolean;
  readonly timers: Timers;
  readonly log: Log;
}

/** How often it is looked whether space gets short, in milliseconds. */
const LOOK_MS = 60_000;
/** The share of the space where the alarm begins. */
const ALARM = 0.8;
/** What the name of a folder ends in that is being deleted: no reader takes it for a shard. */
const DELETED = '.deleted';

/**
 * Has closed shards that a replica has deleted, the oldest first, where the space of the logs gets short. Returns what
 * waits for those that are being deleted, and ends it.
 */
export function startShardRetention(options: ShardRetentionOptions): () => Promise<void> {
  const { recorder, folder, replicated, hold, timers, log } = options;
  let ended = false;
  let timer: Timer | undefined;
  const failed = (error: unknown): void => log.error('a closed shard could not be deleted', errorFields(error));
  let looking: Promise<void> = removeLeftovers(folder).catch(failed);

  const look = async (): Promise<void> => {
    const { level, usedBytes, maxBytes } = recorder.status().space;
    if (ended || hold || level === 'ok') return;
    const shards = await closedShards(folder, recorder.place, (place) => replicated.has(originAt(place)));
    const chosen = deletableShards({ shards, level, usedBytes, alarmBytes: maxBytes * ALARM, hold });
    for (const { place, bytes } of chosen) {
      const head = replicated.get(originAt(place))!;
      // On record before it is gone. Where nothing can be recorded any more, nothing is deleted.
      await recorder.append({ ...OF_THE_LOG, type: 'log.shard_deleted', body: { head } });
      await deleteShard(folder, place);
      log.info('a closed shard is deleted: the replica has all of it', { record: head.origin, bytes });
    }
    if (chosen.length > 0) await recorder.countSpace();
  };
  const originAt = (place: LogPlace): string => formatOrigin({ ...parseOrigin(recorder.origin)!, ...place });
  const arm = (): void => {
    timer = timers.after(LOOK_MS, () => {
      looking = looking.then(look).catch(failed);
      void looking.then(() => ended || arm());
    });
  };
  arm();

  return async () => {
    ended = true;
    timer?.cancel();
    await looking;
  };
}

/**
 * Returns the shards that another one of their incarnation follows, and the last ones of older incarnations, the oldest
 * first. The latter were not closed in order: they are evidence, which no replica stands for.
 */
async function closedShards(
  folder: string,
  newest: LogPlace,
  isReplicated: (place: LogPlace) => boolean,
): Promise<StoredShard[]> {
  const files = createNodeLogFiles(folder);
  const shards: StoredShard[] = [];
  const places = await placesIn(folder);
  for (const [i, place] of places.entries()) {
    if (comparePlaces(place, newest) >= 0) continue;
    const isClosed = places[i + 1]?.incarnation === place.incarnation;
    const bytes = await files.usage(placePath(place));
    shards.push({ place, bytes, isReplicated: isClosed && isReplicated(place) });
  }
  return shards;
}

/** Takes the name first, so that a reader finds the whole shard or none; a crash leaves what has no such name. */
async function deleteShard(folder: string, place: LogPlace): Promise<void> {
  const path = join(folder, placePath(place));
  await rename(path, path + DELETED);
  await syncFolder(join(folder, String(place.incarnation)));
  await rm(path + DELETED, { recursive: true, force: true });
}

/** Removes what a crash has left of shards that were being deleted. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const incarnation of new Set((await placesIn(folder)).map((place) => place.incarnation))) {
    for (const name of await readdir(join(folder, String(incarnation)))) {
      if (name.endsWith(DELETED)) await rm(join(folder, String(incarnation), name), { recursive: true, force: true });
    }
  }
}
