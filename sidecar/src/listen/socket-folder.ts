import { chmodSync, lstatSync, mkdirSync, rmdirSync, unlinkSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { TallystickError } from '@tallystick/core';

const STICKY = 0o1000;
const OTHERS_WRITE = 0o022;

/**
 * Makes the folder of a socket with `mode` where it is missing, and checks who could put another socket in the place
 * of ours: it must be a folder, not a link, of root or this user, where nobody else can write. Others may write in a
 * sticky one, where they cannot touch what is not theirs.
 *
 * The folders above are the operator's business: in a pod they are a volume that is writable by all.
 *
 * @throws {TallystickError} `listen_failed`
 */
export function prepareFolder(folder: string, mode: number): void {
  const stats = attempt(folder, () => {
    makeFolder(folder, mode);
    return lstatSync(folder);
  });
  const fault = folderFault(stats, process.geteuid?.() ?? -1);
  if (fault) throw new TallystickError('listen_failed', `the folder "${folder}" ${fault.is}`, { remedy: fault.remedy });
}

/** Returns what is wrong with a socket's folder, undefined if nothing is. */
export function folderFault(stats: Stats, uid: number): { is: string; remedy: string } | undefined {
  if (stats.isSymbolicLink()) return { is: 'is a symbolic link', remedy: 'name the folder that it points to' };
  if (!stats.isDirectory()) return { is: 'is not a folder', remedy: 'move what is there, or choose another path' };
  if (stats.uid !== uid && stats.uid !== 0) {
    return { is: `belongs to uid ${stats.uid}`, remedy: 'let the sidecar own it, or name a folder below it' };
  }
  if ((stats.mode & OTHERS_WRITE) !== 0 && (stats.mode & STICKY) === 0) {
    return {
      is: `has mode ${(stats.mode & 0o7777).toString(8)}: others can replace the socket`,
      remedy: 'take away the write permission of group and others, or name a folder below it: the sidecar makes it',
    };
  }
  return undefined;
}

/**
 * Makes an empty folder that only this user can enter. What an earlier start left there goes first: at most the one
 * file `leftover`, since nothing recursive is safe where others can write.
 *
 * @throws {TallystickError} `listen_failed`: another user has put something there.
 */
export function makePrivateFolder(folder: string, leftover: string): void {
  attempt(folder, () => {
    removePrivateFolder(folder, leftover);
    mkdirSync(folder, { mode: 0o700 });
    chmodSync(folder, 0o700); // Whatever the umask took away.
  });
}

/** Removes it, with `leftover` if that is there. A link or another user's folder is left as it is, and thrown. */
export function removePrivateFolder(folder: string, leftover: string): void {
  const stats = lstatSync(folder, { throwIfNoEntry: false });
  if (!stats) return;
  if (!stats.isDirectory() || stats.uid !== process.geteuid?.()) throw new Error('something else is in its place');
  const file = join(folder, leftover);
  if (lstatSync(file, { throwIfNoEntry: false })) unlinkSync(file);
  rmdirSync(folder);
}

/** Makes `folder` with `mode`, and those above it with 0755; the umask takes nothing away. */
function makeFolder(folder: string, mode: number): void {
  const first = mkdirSync(folder, { recursive: true });
  if (first === undefined) return;
  chmodSync(folder, mode);
  for (let made = folder; made !== first && made !== dirname(made);) {
    made = dirname(made);
    chmodSync(made, 0o755);
  }
}

function attempt<T>(folder: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new TallystickError('listen_failed', `the folder "${folder}" cannot be made: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
