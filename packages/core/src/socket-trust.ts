import { TallystickError } from './errors.ts';
import { printable } from './printable.ts';

/** What the file system says of one entry of a folder. */
export interface EntryFacts {
  readonly path: string;
  readonly kind: 'socket' | 'folder' | 'link' | 'other';
  readonly uid: number;
  readonly mode: number;
  /** True for a folder on a file system that is mounted read-only here: whatever its mode, nobody here writes to it. */
  readonly readOnly: boolean;
  /** Where a link leads, as it is written in it. */
  readonly target?: string;
}

/** The calls of `node:fs` by which an entry is looked at. */
export interface EntryCalls {
  lstatSync(path: string): {
    readonly uid: number;
    readonly mode: number;
    isSymbolicLink(): boolean;
    isDirectory(): boolean;
    isSocket(): boolean;
  };
  readlinkSync(path: string): string;
  accessSync(path: string, mode: number): void;
}

const W_OK = 2;

/**
 * Returns what the file system says of an entry, without following it.
 *
 * @throws The error of the file system when there is none.
 */
export function entryFacts(path: string, { lstatSync, readlinkSync, accessSync }: EntryCalls): EntryFacts {
  const stats = lstatSync(path);
  const { uid, mode } = stats;
  if (stats.isSymbolicLink()) return { path, kind: 'link', uid, mode, readOnly: false, target: readlinkSync(path) };
  if (!stats.isDirectory()) return { path, kind: stats.isSocket() ? 'socket' : 'other', uid, mode, readOnly: false };
  // Asked only of a folder whose mode lets others write to it.
  const readOnly = (mode & (WORLD | GROUP)) !== 0 && isReadOnlyMount(path, accessSync);
  return { path, kind: 'folder', uid, mode, readOnly };
}

function isReadOnlyMount(folder: string, accessSync: EntryCalls['accessSync']): boolean {
  try {
    accessSync(folder, W_OK);
    return false;
  } catch (error) {
    return (error as { code?: unknown }).code === 'EROFS';
  }
}

/**
 * Requires that nobody but root, this process's user and the sidecar can have put the socket where it is. A squatter
 * who could would be given proofs and tokens, and would answer with tokens and keys of its own choice.
 *
 * - Every folder on the way, and every folder on the way of a symbolic link, is writable by neither all nor its group
 *   (as OpenSSH's StrictModes has it). One that is must have the sticky bit, and then what we follow in it belongs to
 *   root, to us, or to the owner of that folder.
 * - A symbolic link belongs to root or to us.
 * - The socket belongs to root, to us, or to the owner of its folder.
 *
 * @param path Absolute.
 * @param look Returns what the file system says of an entry, without following it. What it throws is thrown.
 * @throws {TallystickError} `socket_untrusted`
 */
export function requireTrustedSocket(path: string, selfUid: number, look: (path: string) => EntryFacts): void {
  const steps = walk(path, look);
  if (steps.at(-1)?.entry.kind !== 'socket') {
    throw new TallystickError('socket_untrusted', `${printable(path)} is not a socket`, { remedy: NOT_A_SOCKET });
  }
  const fault = judgeSteps(steps, selfUid);
  if (fault) throw new TallystickError('socket_untrusted', `the socket ${printable(path)} is not trusted: ${fault}`);
}

// A container runtime makes a folder of what is not there when it is to be mounted.
const NOT_A_SOCKET =
  'give the path of the workload socket of the sidecar; into a container, mount the folder of the socket';

/** One entry that was followed, and the folder it is in. */
interface Step {
  readonly folder: EntryFacts;
  readonly entry: EntryFacts;
}

const WORLD = 0o002;
const GROUP = 0o020;
const STICKY = 0o1000;
const MAX_LINKS = 40;

/** Returns what is wrong with the entries on the way to a socket, the last of them, or undefined. */
function judgeSteps(steps: readonly Step[], selfUid: number): string | undefined {
  const trusted = (uid: number): boolean => uid === 0 || uid === selfUid;
  for (const { folder, entry } of steps) {
    const open = openTo(folder);
    if (open !== undefined && !(folder.mode & STICKY)) return open;
    if (open !== undefined && !trusted(entry.uid) && entry.uid !== folder.uid) {
      return `${open}, and ${entry.path} belongs to uid ${entry.uid}`;
    }
    if (entry.kind === 'link' && !trusted(entry.uid)) return `the link ${entry.path} belongs to uid ${entry.uid}`;
  }
  const { folder, entry: socket } = steps.at(-1)!;
  if (!trusted(socket.uid) && socket.uid !== folder.uid) {
    return `it belongs to uid ${socket.uid}, which is neither root, nor this process (${selfUid}), nor the owner of its folder (${folder.uid})`;
  }
  return undefined;
}

function openTo({ path, mode, readOnly }: EntryFacts): string | undefined {
  if (readOnly) return undefined;
  if (mode & WORLD) return `everybody can write to ${path}`;
  return mode & GROUP ? `the group of ${path} can write to it` : undefined;
}

/** Returns the entries in the order in which the kernel follows them. */
function walk(path: string, look: (path: string) => EntryFacts): readonly Step[] {
  const steps: Step[] = [];
  let folders = [look('/')];
  let rest = path.split('/');
  for (let links = 0; rest.length > 0;) {
    const [name, ...after] = rest;
    rest = after;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (folders.length > 1) folders.pop();
      continue;
    }
    const folder = folders.at(-1)!;
    const entry = look(folder.path === '/' ? `/${name}` : `${folder.path}/${name}`);
    steps.push({ folder, entry });
    if (entry.kind !== 'link') {
      folders.push(entry);
      continue;
    }
    if (++links > MAX_LINKS)
      throw new TallystickError('socket_untrusted', `the socket ${printable(path)} lies behind too many links`);
    const { target = '' } = entry;
    if (target.startsWith('/')) folders = folders.slice(0, 1);
    rest = [...target.split('/'), ...after];
  }
  return steps;
}
