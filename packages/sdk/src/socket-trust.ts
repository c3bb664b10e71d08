import { accessSync, constants, lstatSync, readlinkSync } from 'node:fs';
import { printable, requireTrustedSocket, TallystickError, type EntryFacts } from '@tallystick/core';

/**
 * Requires that nobody but root, this process's user and the sidecar can have put the socket where it is.
 *
 * @throws {TallystickError} `socket_untrusted`, or `sidecar_unavailable` when there is nothing at `path`.
 */
export function trustSocket(path: string, selfUid: number): void {
  requireTrustedSocket(path, selfUid, (entry) => {
    try {
      return lookAt(entry);
    } catch (cause) {
      throw missing(entry, path, cause);
    }
  });
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
