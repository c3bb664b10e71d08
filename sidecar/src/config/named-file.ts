import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileOwner } from './warning.ts';

/** Why a file that the configuration names cannot be used. The message completes the name of its key. */
export interface FileFault {
  readonly ok: false;
  readonly message: string;
  readonly remedy: string;
}

/** A file that the configuration names. */
export type NamedFile = { readonly ok: true; readonly bytes: Buffer; readonly owner: FileOwner } | FileFault;

/** Reads a regular file of at most so many bytes. Never throws, and waits for nobody at a pipe. */
export async function readNamedFile(path: string, maxBytes: number): Promise<NamedFile> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      const { uid, gid, mode, size } = found;
      if (!found.isFile()) return fault('what is not a regular file', 'give the path of a file');
      if (size > maxBytes) return fault(`a file larger than ${maxBytes / 1024} KiB`, 'give the path of the right file');
      return { ok: true, bytes: await file.readFile(), owner: { uid, gid, mode } };
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return fault('a file that is not there', 'write it, or correct the path');
    if (code === 'EACCES') return fault('a file that may not be read', 'let the user of the sidecar read it');
    return fault(`a file that cannot be read: ${code}`, 'repair the disk, or correct the path');
  }
}

function fault(what: string, remedy: string): FileFault {
  return { ok: false, message: `names ${what}`, remedy };
}
