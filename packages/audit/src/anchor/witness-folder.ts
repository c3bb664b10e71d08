import { hash } from 'node:crypto';
import { join } from 'node:path';
import { TallystickError } from '@tallystick/core';
import type { LogFiles } from '../log/log-files.ts';
import type { TakeLock } from '../log/log-lock.ts';
import { replaceFile } from '../log/write-tiles.ts';
import type { StateChange, WitnessStore } from './witness-store.ts';

/** The inputs of {@link openWitnessFolder}. */
export interface WitnessFolderOptions {
  /** A folder that exists and holds nothing else. Whoever empties or restores it takes the witness back in time. */
  readonly folder: string;
  readonly openFiles: (folder: string) => LogFiles;
  readonly lock: TakeLock;
}

/** A store on a folder, which it holds alone until it is closed. */
export interface WitnessFolder extends WitnessStore {
  /** Waits for the changes under way and gives the lock back. */
  close(): Promise<void>;
}

/**
 * Opens the state of a witness in a folder: a file `<SHA-256 of the origin in hex>.checkpoint` for each origin, replaced
 * as a whole.
 *
 * Every change writes, also one that repeats the same checkpoint: what is read after a crash may be in the page cache
 * alone. After a write that failed, the store takes none any more: the disk may hold the old state or the new one.
 *
 * @throws {TallystickError} `state_unusable`, as a rejection: another process has the folder open.
 */
export async function openWitnessFolder({ folder, openFiles, lock }: WitnessFolderOptions): Promise<WitnessFolder> {
  const held = await lock(join(folder, 'lock'));
  if (!held) {
    throw new TallystickError('state_unusable', `another process keeps the state of a witness in "${folder}"`, {
      remedy: 'stop that process, or give this witness a folder and a key of its own',
    });
  }
  const files = openFiles(folder);
  const last = new Map<string, Promise<unknown>>();
  let failure: unknown;
  const change = async <Answer>(
    origin: string,
    judge: (state: Uint8Array | undefined) => StateChange<Answer>,
  ): Promise<Answer> => {
    const path = `${hash('sha256', origin, 'hex')}.checkpoint`;
    if (failure !== undefined) throw stateLost(folder, failure);
    const { next, answer } = judge(await files.read(path));
    if (!next) return answer;
    // Once a write of another origin has failed, the disk is not to be believed for this one either.
    if (failure !== undefined) throw stateLost(folder, failure);
    try {
      await replaceFile(files, path, next);
    } catch (cause) {
      failure ??= cause;
      throw stateLost(folder, cause);
    }
    return answer;
  };
  return {
    update(origin, judge) {
      const before = last.get(origin) ?? Promise.resolve();
      const turn = before.then(() => change(origin, judge));
      const settled = turn.then(
        () => {},
        () => {},
      );
      last.set(origin, settled);
      void settled.then(() => {
        if (last.get(origin) === settled) last.delete(origin);
      });
      return turn;
    },
    async close() {
      await Promise.all(last.values());
      await held.release();
    },
  };
}

function stateLost(folder: string, cause: unknown): TallystickError {
  return new TallystickError('state_unusable', `the state of the witness in "${folder}" could not be made durable`, {
    remedy: 'repair the disk, then start the witness again; it cosigns nothing until then',
    cause,
  });
}
