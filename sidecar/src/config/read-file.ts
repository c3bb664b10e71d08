import { constants } from 'node:fs';
import { open, stat, statfs, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { durabilityOf } from '@tallystick/audit';
import { MAX_FILE_BYTES } from './parse-config.ts';
import type { FileOwner } from './warning.ts';

/** A configuration file as it lies on disk, or why it cannot be read. */
export type FileText =
  | { readonly ok: true; readonly text: string; readonly owner: FileOwner }
  | { readonly ok: false; readonly message: string; readonly remedy: string };

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads a whole configuration file: a regular one of at most {@link MAX_FILE_BYTES}, in UTF-8. Never throws. */
export async function readConfigFile(path: string): Promise<FileText> {
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for its writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return await readAll(file);
    } finally {
      await file.close();
    }
  } catch (error) {
    return refuseError(error);
  }
}

async function readAll(file: FileHandle): Promise<FileText> {
  const found = await file.stat();
  if (!found.isFile()) return refuse('is not a regular file', 'give the path of a YAML file');
  // The size is asked for first, so that a mistaken path to a huge file is not read into memory.
  const bytes = found.size > MAX_FILE_BYTES ? undefined : await file.readFile();
  if (!bytes || bytes.length > MAX_FILE_BYTES)
    return refuse(`is larger than ${MAX_FILE_BYTES / 1024 / 1024} MiB`, 'keep it below that');
  return { ok: true, text: decoder.decode(bytes), owner: { uid: found.uid, gid: found.gid, mode: found.mode } };
}

/** Returns who owns each of `paths` that is there. */
export async function readOwners(paths: readonly string[]): Promise<ReadonlyMap<string, FileOwner>> {
  const owners = new Map<string, FileOwner>();
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined);
    if (found) owners.set(path, { uid: found.uid, gid: found.gid, mode: found.mode });
  }
  return owners;
}

/** True where a folder is in memory, or would be if it were made. */
export async function isInMemory(folder: string): Promise<boolean> {
  for (let path = folder; ; path = dirname(path)) {
    const facts = await statfs(path).catch(() => undefined);
    if (facts) return durabilityOf(facts) === 'none';
    if (path === dirname(path)) return false;
  }
}

function refuseError(error: unknown): FileText {
  if (error instanceof TypeError) return refuse('is not UTF-8', 'save it as UTF-8');
  const { code } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
      return refuse(
        'is not there',
        'name it with --config or TALLYSTICK_CONFIG; "tallystick init" writes one to begin with',
      );
    case 'EACCES':
      return refuse('may not be read', 'let the user of the sidecar read it, and search its folders');
    case 'EISDIR':
      return refuse('is a folder', 'give the path of the file in it');
    default:
      return refuse(`cannot be read: ${code ?? 'unknown error'}`, 'repair the disk, or give another path');
  }
}

function refuse(why: string, remedy: string): FileText & { ok: false } {
  return { ok: false, message: `the file ${why}`, remedy };
}
