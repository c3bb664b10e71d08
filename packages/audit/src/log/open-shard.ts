import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { logSigner, logVerifier, publicNoteKey } from '../tlog/log-signer.ts';
import { formatVkey, KEY_TYPE } from '../tlog/note-key.ts';
import { lineageOf, type Lineage } from './lineage.ts';
import { fileError, LogError } from './log-error.ts';
import type { LogFiles } from './log-files.ts';
import { comparePlaces, originOf, placePath, type LogPlace } from './log-place.ts';
import { createLog, type LogWriter } from './log.ts';
import type { Log, OpenLogOptions } from './open-log.ts';
import { openHead } from './published-head.ts';
import { restoreLog, type Restoration } from './restore-log.ts';
import { readCut, removeCut, writeCut, type ShardCut } from './shard-cut.ts';
import { SpaceMeter } from './space-meter.ts';

/** What goes from a shard to the next one. */
export interface Held {
  /** Gives the lock back. */
  readonly release: () => Promise<void>;
  /** The space that all logs share; undefined before it was counted. */
  readonly space?: SpaceMeter;
}

/**
 * Opens the log at a place. A cut that a crash left unfinished is ended first: where the shard's last records were begun
 * it is completed, and the log that is returned is the next one; else it is forgotten.
 *
 * @throws {TallystickError} as a rejection: {@link LogError} or {@link JournalError}
 */
export async function openShard(place: LogPlace, options: OpenLogOptions, held: Held): Promise<Log> {
  const { openJournal, anchor, known, clock, timers, onFailure } = options;
  const all = options.openFiles(options.folder);
  await makeFolders(all, placePath(place));
  const folder = join(options.folder, placePath(place));
  const files = options.openFiles(folder);
  const origin = originOf(options, place);
  const isNew = await hasSignedNothing(files);
  // Before its key is used again, for a second history.
  if (isNew && known && comparePlaces(place, known) <= 0) {
    throw new LogError('behind_anchor', `the log ${origin} had records, and has none`);
  }
  const privateKey = await options.openKey(place, { mayMake: isNew });
  const key = publicNoteKey({ name: origin, privateKey }, KEY_TYPE.ed25519);
  const { restoration, ...restored } = await restoreLog({ files, folder, openJournal, key, place, anchor });
  let log: LogWriter | undefined;
  try {
    const space = held.space ?? (await SpaceMeter.open(all, options.localMax));
    const signer = logSigner({ name: origin, privateKey });
    log = createLog({ ...restored, origin, files, signer, space, clock, timers, onFailure });
    const vkey = formatVkey(key);
    await begin(log, place, vkey, options);
    const shard = createShard(log, { place, vkey, restoration, files, options, held: { ...held, space } });
    const cut = await readCut(files);
    if (cut && log.nextSeq > cut.size) return await shard.goOn(cut);
    if (cut) await removeCut(files);
    return shard.log;
  } catch (error) {
    await (log ?? restored.committer).close().catch(() => {});
    throw error;
  }
}

interface ShardParts {
  readonly place: LogPlace;
  readonly vkey: string;
  readonly restoration: Restoration;
  readonly files: LogFiles;
  readonly options: OpenLogOptions;
  readonly held: Held;
}

interface Shard {
  readonly log: Log;
  /** Writes what is missing of a shard's last records, closes it, and opens the next one. */
  goOn(cut: ShardCut): Promise<Log>;
}

function createShard(log: LogWriter, { place, vkey, restoration, files, options, held }: ShardParts): Shard {
  let ending: Promise<void> | undefined;
  const end = (): Promise<void> => (ending ??= log.close());
  let cutting = false;
  const goOn = async (cut: ShardCut): Promise<Log> => {
    const next = { ...place, shard: place.shard + 1 };
    const last = options.closing(cut.carried, originOf(options, next));
    await Promise.all(last.slice(log.nextSeq - cut.size).map((make) => log.append(make)));
    await end();
    // What a log that failed has not published, its next opening will: until then it has no last head to carry on.
    if (log.failure) throw log.failure;
    return openShard(next, options, held);
  };
  return {
    goOn,
    log: {
      ...log,
      get failure() {
        return log.failure;
      },
      get nextSeq() {
        return log.nextSeq;
      },
      place,
      vkey,
      restoration,
      append: (make) => (cutting ? Promise.reject(new LogError('closed', 'the shard is closed')) : log.append(make)),
      async close() {
        try {
          await end();
        } finally {
          if (!cutting) await held.release();
        }
      },
      async nextShard(carried) {
        cutting = true;
        const cut = { size: log.nextSeq, carried };
        try {
          await writeCut(files, cut);
          return await goOn(cut);
        } catch (error) {
          await end().catch(() => {});
          await held.release();
          throw error;
        }
      },
    },
  };
}

/** Writes the first records of a log, or those of them that a crash has kept it from. */
async function begin(log: LogWriter, place: LogPlace, vkey: string, options: OpenLogOptions): Promise<void> {
  const { incarnation, shard } = place;
  const before = { incarnation, shard: shard - 1 };
  const filesBefore = options.openFiles(join(options.folder, placePath(before)));
  const cut = shard > 1 ? await readCut(filesBefore) : undefined;
  if (log.nextSeq > 0 && !cut) return;
  const lineage = await lineageOf(options.openFiles(options.folder), options, place);
  if (log.nextSeq === 0 && lineage.relation === 'shard') {
    requireClosed(lineage, await options.openKey(before, { mayMake: false }));
    if (!cut) throw new LogError('cut_damaged', `nothing says what the shard ${lineage.origin} begins with`);
  }
  const records = options.opening({ ...lineage, vkey, ...(cut && { carried: cut.carried }) });
  await Promise.all(records.slice(log.nextSeq).map((make) => log.append(make)));
  if (cut) await removeCut(filesBefore);
}

/** True of a log that may have no key yet: a journal has a file before anything is signed. */
async function hasSignedNothing(files: LogFiles): Promise<boolean> {
  try {
    return (await files.list('journal')).length === 0 && (await files.read('checkpoint')) === undefined;
  } catch (cause) {
    throw new LogError('unreadable', 'the folder of the log cannot be read', cause);
  }
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

/** Throws unless the shard before has a head that its key has signed. */
function requireClosed({ origin, previous }: Lineage, privateKey: KeyObject): void {
  try {
    if (!previous) throw new Error('it has no checkpoint that can be read');
    const key = publicNoteKey({ name: previous.origin, privateKey }, KEY_TYPE.ed25519);
    openHead(previous.checkpoint, logVerifier(key));
  } catch (cause) {
    throw new LogError('checkpoint_invalid', `the shard before ${origin} has no head of its key`, cause);
  }
}
