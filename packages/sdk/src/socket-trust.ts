import { accessSync, lstatSync, readlinkSync } from 'node:fs';
import { entryFacts, printable, requireTrustedSocket, TallystickError } from '@tallystick/core';

const CALLS = { accessSync, lstatSync, readlinkSync };

/**
 * Requires that nobody but root, this process's user and the sidecar can have put the socket where it is.
 *
 * @throws {TallystickError} `socket_untrusted`, or `sidecar_unavailable` when there is nothing at `path`.
 */
export function trustSocket(path: string, selfUid: number): void {
  requireTrustedSocket(path, selfUid, (entry) => {
    try {
      return entryFacts(entry, CALLS);
    } catch (cause) {
      throw missing(entry, path, cause);
    }
  });
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
