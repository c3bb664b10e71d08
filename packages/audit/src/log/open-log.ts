import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import type { Clock, TallystickError, Timers } from '@tallystick/core';
import type { Anchor } from './judge-anchor.ts';
import type { OpenJournal } from './journal-opener.ts';
import { newestPlace, type Lineage } from './lineage.ts';
import { LogError } from './log-error.ts';
import type { LogFiles } from './log-files.ts';
import type { TakeLock } from './log-lock.ts';
import type { LogOwner, LogPlace } from './log-place.ts';
import type { LogWriter } from './log.ts';
import { openShard } from './open-shard.ts';
import type { Restoration } from './restore-log.ts';
import { isNetworkFileSystem } from './space.ts';

/** Makes a record, knowing its index in its log. */
export type MakeRecord = (seq: number) => Uint8Array;

/** What the first records of a log are made of. */
export interface Beginning extends Lineage {
  /** The public key of the log. */
  readonly vkey: string;
  /** Of a shard that continues another: what that one's {@link Log.nextShard} was given. */
  readonly carried?: Uint8Array;
}

/** The inputs of {@link openLog}. */
export interface OpenLogOptions extends LogOwner {
  /** The folder of all logs of this owner, which exists. */
  readonly folder: string;
  /**
   * Returns the Ed25519 key that signs the heads of one log. Each has one of its own: a trust policy takes no two logs
   * with the same. A new one is durable before it is returned. The key of a closed shard is asked for while the next
   * one has no record, and never after {@link openLog} or {@link Log.nextShard} have returned that.
   *
   * @param options `mayMake`: the log has signed nothing yet.
   */
  readonly openKey: (place: LogPlace, options: { readonly mayMake: boolean }) => Promise<KeyObject>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly lock: TakeLock;
  readonly openFiles: (folder: string) => LogFiles;
  readonly openJournal: OpenJournal;
  /**
   * Makes the first records of a log: where it comes from, then what it takes over. It may be asked again after a crash,
   * for the same number of records; those that are durable then are not made again.
   */
  readonly opening: (beginning: Beginning) => readonly MakeRecord[];
  /** Makes the last records of a shard: that it is closed, and the origin that follows it. Asked again as `opening` is. */
  readonly closing: (carried: Uint8Array, next: string) => readonly MakeRecord[];
  /** The newest head that is known outside this machine, where one is. Its signature was verified by who brings it. */
  readonly anchor?: Anchor;
  /** The newest log of this owner that had records, as is known from elsewhere: where it has none they were removed. */
  readonly known?: LogPlace;
  /** True where the operator has said that the folder may be on a network file system; else that is refused. */
  readonly allowNetwork?: boolean;
  /** How many bytes all logs of the folder may take; see {@link spaceLimit} for what counts where it is absent. */
  readonly localMax?: number;
  /** Told once when nothing can be appended any more; must not throw. */
  readonly onFailure: (error: TallystickError) => void;
}

/** The log that takes records now. */
export interface Log extends LogWriter {
  readonly place: LogPlace;
  /** The public key of its heads. A trust policy has to name it. */
  readonly vkey: string;
  /** What was found when it was opened, for the record. */
  readonly restoration: Restoration;
  /**
   * Cuts: closes this shard and opens the next one, under the same lock. From the call on this one takes no record but
   * its last ones. A crash leaves it not begun, or to be completed by the next opening; when it rejects, both are closed.
   *
   * @param carried What the next shard begins with. It is durable before the first of the last records.
   * @throws {TallystickError} as a rejection: as `append`, `close` and {@link openLog}
   */
  nextShard(carried: Uint8Array): Promise<Log>;
  /** Waits for what was appended, publishes it, and gives the lock back. */
  close(): Promise<void>;
}

/**
 * Opens the newest log of a folder, or makes the first one, and resolves when it may take records: locked, recovered,
 * and its tree held to the heads it has signed and published.
 *
 * It repairs what its own journal proves: a torn batch that nobody was told of is dropped, tiles that are missing or
 * other than the records are written again. All else it refuses; it never signs a second head of an old size.
 *
 * @throws {TallystickError} as a rejection: {@link LogError} with the operator's next step, or {@link JournalError}
 */
export async function openLog(options: OpenLogOptions): Promise<Log> {
  return underLock(options, async (files) => (await newestPlace(files)) ?? { incarnation: 1, shard: 1 });
}

/**
 * Begins a new incarnation beside the old ones, which are left as they are and stay readable: after a tail was lost,
 * repaired by hand, or found behind an anchor. Its first record names the last good head.
 *
 * @throws {TallystickError} as {@link openLog}
 */
export async function openNextIncarnation(options: OpenLogOptions): Promise<Log> {
  return underLock(options, async (files) => {
    const newest = await newestPlace(files);
    const incarnation = Math.max(newest?.incarnation ?? 0, options.known?.incarnation ?? 0);
    return { incarnation: incarnation + 1, shard: 1 };
  });
}

async function underLock(options: OpenLogOptions, choose: (files: LogFiles) => Promise<LogPlace>): Promise<Log> {
  const lock = await options.lock(join(options.folder, 'lock'));
  if (!lock)
    throw new LogError(
      'locked',
      `another process, or another part of this one, has the log in "${options.folder}" open`,
    );
  try {
    const files = options.openFiles(options.folder);
    if (!options.allowNetwork && isNetworkFileSystem(await files.statfs())) {
      throw new LogError('network_disk', `"${options.folder}" is on a network file system`);
    }
    return await openShard(await choose(files), options, { release: () => lock.release() });
  } catch (error) {
    await lock.release();
    throw error;
  }
}
