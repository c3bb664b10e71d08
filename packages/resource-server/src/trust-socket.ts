import { accessSync, lstatSync, readlinkSync } from 'node:fs';
import { entryFacts, requireTrustedSocket } from '@tallystick/core';

const CALLS = { accessSync, lstatSync, readlinkSync };

/**
 * Requires that nobody but root, this process's user and the sidecar can have put the socket where it is: who answers
 * there says which tokens are good, and is told tokens.
 *
 * @throws {TallystickError} `socket_untrusted`
 * @throws The error of the file system when there is nothing at `path`.
 */
export function trustSocket(path: string): void {
  requireTrustedSocket(path, process.geteuid?.() ?? -1, (entry) => entryFacts(entry, CALLS));
}
