import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { TallystickError } from '@tallystick/core';

/** No file of a log is larger: a bundle has at most 16 MiB, and so do the heads that ten years of anchors leave. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;

/**
 * Returns a reader of the files below a folder of this machine. It opens them for reading alone, and never waits for
 * a file that is not a regular one.
 *
 * The reader throws {@link TallystickError} `log_invalid` for what is neither absent nor a regular file of a size that
 * a log has, and the error of the file system for what it may not read.
 */
export function logFolder(folder: string): (path: string) => Uint8Array | undefined {
  return (path) => {
    let file: number;
    try {
      file = openSync(join(folder, path), constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
    try {
      const stat = fstatSync(file);
      if (!stat.isFile() || stat.size > MAX_FILE_BYTES) {
        throw new TallystickError('log_invalid', `${path} is not a file of a size that a log has`);
      }
      return readWhole(file, stat.size);
    } finally {
      closeSync(file);
    }
  };
}

/** Returns the names of the folders in a folder. */
export function foldersIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

/** Returns the bytes in memory of their own, which can be given to another thread. */
function readWhole(file: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let at = 0;
  while (at < size) {
    const count = readSync(file, bytes, at, size - at, at);
    if (count === 0) return bytes.subarray(0, at);
    at += count;
  }
  return bytes;
}

function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
