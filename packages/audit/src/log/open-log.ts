import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import type { Clock, TallystickError, Timers } from '@tallystick/core';
import { logSigner, logVerifier, publicNoteKey } from '../tlog/log-signer.ts';
import { KEY_TYPE } from '../tlog/note-key.ts';
import type { OpenJournal } from './journal-opener.ts';
import { lineageOf, newestPlace, type Lineage } from './lineage.ts';
import { fileError, LogError } from './log-error.ts';
import type { LogFiles } from './log-files.ts';
import type { TakeLock } from './log-lock.ts';
import { originOf, placePath, type LogOwner, type LogPlace } from './log-place.ts';
import { createLog, type LogWriter } from './log.ts';
import type { Anchor } from './judge-anchor.ts';
import { openHead } from './published-head.ts';
import { restoreLog, type Restoration } from './restore-log.ts';
import { SpaceMeter } from './space-meter.ts';
import { isNetworkFileSystem } from './space.ts';

/** The inputs of {@link openLog}. */
export interface OpenLogOptions extends LogOwner {
  /** The folder of all logs of this owner, which exists. */
  readonly folder: string;
  /** Ed25519. It signs every head; one for each incarnation. */
  readonly privateKey: KeyObject;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly lock: TakeLock;
  readonly openFiles: (folder: string) => LogFiles;
  readonly openJournal: OpenJournal;
  /**
   * Makes the first record of a log, which says where it comes from. Called for a log without records alone, which may
   * be one that a crash left so: the same place may be asked for twice, and one answer is durable.
   */
  readonly firstRecord: (lineage: Lineage) => Uint8Array;
  /** The newest head that is known outside this machine, where one is. Its signature was verified by who brings it. */
  readonly anchor?: Anchor;
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
  /** What was found when it was opened, for the record. */
  readonly restoration: Restoration;
  /**
   * Closes this log and opens the next shard of its incarnation, under the same lock. When it rejects, both are closed.
   *
   * @throws {TallystickError} as a rejection: as `close` and {@link openLog}
   */
  nextShard(): Promise<Log>;
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
    return { incarnation: (newest?.incarnation ?? 0) + 1, shard: 1 };
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
    return await openAt(await choose(files), options, () => lock.release());
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function openAt(place: LogPlace, options: OpenLogOptions, release: () => Promise<void>): Promise<Log> {
  const { privateKey, openJournal, firstRecord, anchor, localMax, clock, timers, onFailure } = options;
  const origin = originOf(options, place);
  const key = publicNoteKey({ name: origin, privateKey }, KEY_TYPE.ed25519);
  const all = options.openFiles(options.folder);
  await makeFolders(all, placePath(place));
  const folder = join(options.folder, placePath(place));
  const files = options.openFiles(folder);
  const { restoration, ...restored } = await restoreLog({ files, folder, openJournal, key, place, anchor });
  let log: LogWriter | undefined;
  try {
    const space = await SpaceMeter.open(all, localMax);
    const signer = logSigner({ name: origin, privateKey });
    log = createLog({ ...restored, origin, files, signer, space, clock, timers, onFailure });
    if (!log.head()) {
      const lineage = await lineageOf(all, options, place);
      if (lineage.relation === 'shard') requireClosed(lineage, privateKey);
      await log.append(() => firstRecord(lineage));
    }
  } catch (error) {
    await (log ?? restored.committer).close().catch(() => {});
    throw error;
  }
  return withPlace(log, { place, restoration, options, release });
}

interface Opening {
  readonly place: LogPlace;
  readonly restoration: Restoration;
  readonly options: OpenLogOptions;
  readonly release: () => Promise<void>;
}

function withPlace(log: LogWriter, { place, restoration, options, release }: Opening): Log {
  let ending: Promise<void> | undefined;
  const end = (): Promise<void> => (ending ??= log.close());
  let handedOn = false;
  return {
    ...log,
    get failure() {
      return log.failure;
    },
    place,
    restoration,
    async close() {
      try {
        await end();
      } finally {
        if (!handedOn) await release();
      }
    },
    async nextShard() {
      handedOn = true;
      try {
        await end();
        // What a log that failed has not published, its next opening will: until then it has no last head to carry on.
        if (log.failure) throw log.failure;
        return await openAt({ ...place, shard: place.shard + 1 }, options, release);
      } catch (error) {
        await release();
        throw error;
      }
    },
  };
}

/** Makes the folders of a log, and their names durable, whoever made them. */
async function makeFolders(all: LogFiles, path: string): Promise<void> {
  const folders = ['', ...`${path}/journal`.split('/').map((_, i, parts) => parts.slice(0, i + 1).join('/'))];
  try {
    for (const folder of folders.slice(1)) await all.makeFolder(folder);
    for (const folder of folders.slice(0, -1)) await all.syncFolder(folder);
  } catch (cause) {
    throw fileError('the folders of the log could not be made', cause);
  }
}

/** Throws unless the shard before has a head that the key of this incarnation has signed. */
function requireClosed({ origin, previous }: Lineage, privateKey: KeyObject): void {
  try {
    if (!previous) throw new Error('it has no checkpoint that can be read');
    const key = publicNoteKey({ name: previous.origin, privateKey }, KEY_TYPE.ed25519);
    openHead(previous.checkpoint, logVerifier(key));
  } catch (cause) {
    throw new LogError('checkpoint_invalid', `the shard before ${origin} has no head of this key`, cause);
  }
}
