import type { Socket } from 'node:net';
import { TallystickError } from '@tallystick/core';

/**
 * Returns the file descriptor of an open Unix socket, which stays Node's.
 *
 * The one use of a member that Node does not document: there is no other way to ask the kernel about a connection.
 *
 * @throws {TallystickError} `platform_unsupported` if this Node keeps it elsewhere; the connection is already closed.
 */
export function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { _handle?: { fd?: unknown } | null };
  const fd = handle?.fd;
  if (typeof fd !== 'number' || fd < 0) {
    throw new TallystickError('platform_unsupported', 'the connection has no file descriptor to ask the kernel about', {
      remedy: `run on a release of Node that this version was tested with; this is ${process.version}`,
    });
  }
  return fd;
}
