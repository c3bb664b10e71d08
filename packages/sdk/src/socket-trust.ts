import { accessSync, constants, lstatSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import { printable, TallystickError } from '@tallystick/core';

/** What the file system says of one entry of a folder. */
export interface EntryFacts {
  readonly path: string;
  readonly kind: 'socket' | 'folder' | 'link' | 'other';
  readonly uid: number;
  readonly mode: number;
  /** True for a folder on a file system that is mounted read-only here: whatever its mode, nobody here writes to it. */
  readonly readOnly: boolean;
}

/**
 * Requires that nobody but root, this process's user and the sidecar can have put the socket where it is. A squatter
 * who could would be given proofs, and would answer with tokens of its own choice.
 *
 * - Every folder on the way, and every folder on the way of a symbolic link, is not writable by all; one that is
 *   must have the sticky bit, and then what we follow in it belongs to root or to us.
 * - A symbolic link belongs to root or to us.
 * - The folder of the socket is not writable by its group either, unless sticky.
 * - The socket belongs to root, to us, or to the owner of its folder.
 *
 * @throws {TallystickError} `socket_untrusted`, or `sidecar_unavailable` when there is nothing at `path`.
 */
export function requireTrustedSocket(path: string, selfUid: number): void {
  const steps = walk(path);
  if (steps.at(-1)?.entry.kind !== 'socket') {
    throw new TallystickError('socket_untrusted', `${printable(path)} is not a socket`, { remedy: NOT_A_SOCKET });
  }
  const fault = judgeSocket(steps, selfUid);
  if (fault) throw new TallystickError('socket_untrusted', `the socket ${printable(path)} is not trusted: ${fault}`);
}

// A container runtime makes a folder of what is not there when it is to be mounted.
const NOT_A_SOCKET =
  'set TALLYSTICK_SOCKET to the workload socket of the sidecar; into a container, mount the folder of the socket';

/**
 * Returns what is wrong with the entries on the way to a socket, or undefined.
 *
 * @param steps Pairs of a folder and the entry followed in it, in the order in which they were followed; the last
 *   entry is the socket.
 */
export function judgeSocket(steps: readonly Step[], selfUid: number): string | undefined {
  const trusted = (uid: number): boolean => uid === 0 || uid === selfUid;
  for (const { folder, entry } of steps) {
    if (writable(folder, WORLD) && !(folder.mode & STICKY)) return `everybody can write to ${folder.path}`;
    if (writable(folder, WORLD) && !trusted(entry.uid)) {
      return `everybody can write to ${folder.path}, and ${entry.path} belongs to uid ${entry.uid}`;
    }
    if (entry.kind === 'link' && !trusted(entry.uid)) return `the link ${entry.path} belongs to uid ${entry.uid}`;
  }
  const { folder, entry: socket } = steps.at(-1)!;
  if (writable(folder, GROUP) && !(folder.mode & STICKY)) return `the group of ${folder.path} can write to it`;
  if (!trusted(socket.uid) && socket.uid !== folder.uid) {
    return `it belongs to uid ${socket.uid}, which is neither root, nor this process (${selfUid}), nor the owner of its folder (${folder.uid})`;
  }
  return undefined;
}

/** One entry that was followed, and the folder it is in. */
export interface Step {
  readonly folder: EntryFacts;
  readonly entry: EntryFacts;
}

const WORLD = 0o002;
const GROUP = 0o020;
const STICKY = 0o1000;
const MAX_LINKS = 40;

function writable(folder: EntryFacts, bit: number): boolean {
  return (folder.mode & bit) !== 0 && !folder.readOnly;
}

function walk(path: string): readonly Step[] {
  const steps: Step[] = [];
  const wanted = resolve(path);
  let folder = factsOf('/', wanted);
  let rest = wanted.split(sep).slice(1);
  for (let links = 0; rest.length > 0;) {
    const [name, ...after] = rest;
    const entry = factsOf(resolve(folder.path, name!), wanted);
    steps.push({ folder, entry });
    if (entry.kind !== 'link') {
      folder = entry;
      rest = after;
      continue;
    }
    if (++links > MAX_LINKS)
      throw new TallystickError('socket_untrusted', `the socket ${printable(path)} lies behind too many links`);
    // Followed from the root again: what lies on the way of its target is judged too.
    const target = resolve(dirname(entry.path), readlinkSync(entry.path));
    folder = factsOf('/', wanted);
    rest = [...target.split(sep).slice(1), ...after].filter((part) => part !== '');
  }
  return steps;
}

function factsOf(path: string, wanted: string): EntryFacts {
  let stats: Stats;
  try {
    stats = lstatSync(path);
  } catch (cause) {
    throw missing(path, wanted, cause);
  }
  const kind = stats.isSocket() ? 'socket' : stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'link' : 'other';
  return {
    path,
    kind,
    uid: stats.uid,
    mode: stats.mode,
    readOnly: kind === 'folder' && (stats.mode & (WORLD | GROUP)) !== 0 && isReadOnlyMount(path),
  };
}

function missing(path: string, wanted: string, cause: unknown): TallystickError {
  const { code } = cause as NodeJS.ErrnoException;
  if (code !== 'ENOENT' && code !== 'ENOTDIR') {
    return new TallystickError(
      'sidecar_unavailable',
      `the socket ${printable(wanted)} cannot be reached: ${code ?? 'unknown error'} at ${printable(path)}`,
      { cause, remedy: `let the user of this process (uid ${process.getuid?.()}) enter the folders on the way to it` },
    );
  }
  const where = path === wanted ? '' : `: there is no ${printable(path)}`;
  return new TallystickError('sidecar_unavailable', `there is no socket ${printable(wanted)}${where}`, { cause });
}

function isReadOnlyMount(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EROFS';
  }
}
