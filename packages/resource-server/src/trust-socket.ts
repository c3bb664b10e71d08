import { accessSync, constants, lstatSync, readlinkSync } from 'node:fs';
import { requireTrustedSocket, type EntryFacts } from '@tallystick/core';

/**
 * Requires that nobody but root, this process's user and the sidecar can have put the socket where it is: who answers
 * there says which tokens are good, and is told tokens.
 *
 * @throws {TallystickError} `socket_untrusted`
 * @throws The error of the file system when there is nothing at `path`.
 */
export function trustSocket(path: string): void {
  requireTrustedSocket(path, process.geteuid?.() ?? -1, lookAt);
}

function lookAt(path: string): EntryFacts {
  const stats = lstatSync(path);
  const { uid, mode } = stats;
  if (stats.isSymbolicLink()) return { path, kind: 'link', uid, mode, readOnly: false, target: readlinkSync(path) };
  if (stats.isDirectory()) return { path, kind: 'folder', uid, mode, readOnly: isReadOnlyMount(path, mode) };
  return { path, kind: stats.isSocket() ? 'socket' : 'other', uid, mode, readOnly: false };
}

/** Asked only of a folder whose mode lets others write to it. */
function isReadOnlyMount(folder: string, mode: number): boolean {
  if ((mode & 0o022) === 0) return false;
  try {
    accessSync(folder, constants.W_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EROFS';
  }
}
