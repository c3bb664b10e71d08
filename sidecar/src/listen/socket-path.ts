import { createHash } from 'node:crypto';
import { basename, dirname, isAbsolute, join, normalize } from 'node:path';
import { TallystickError } from '@tallystick/core';

/** The files that belong to one socket. */
export interface SocketPaths {
  readonly socket: string;
  readonly folder: string;
  /** Held locked by the sidecar that serves the socket. */
  readonly lock: string;
  /** A private folder in which the socket is made before it is shown. */
  readonly staging: string;
  /** The socket inside it. */
  readonly staged: string;
}

/**
 * Returns where the files of a socket lie.
 *
 * The length is checked here because libuv has been seen to cut a path that is too long and to bind what is left.
 *
 * @throws {TallystickError} `socket_path_invalid`
 */
export function socketPaths(socket: string, platform: NodeJS.Platform = process.platform): SocketPaths {
  if (!isAbsolute(socket) || normalize(socket) !== socket || socket.endsWith('/') || socket.includes('\0')) {
    throw new TallystickError(
      'socket_path_invalid',
      `"${socket.replaceAll('\0', '@')}" is not an absolute, plain path`,
    );
  }
  const folder = dirname(socket);
  // The same for every start, so that what a crash left is found again; short, so that it fits where "api.sock" does.
  const staging = join(folder, `.${createHash('sha256').update(basename(socket)).digest('hex').slice(0, 5)}`);
  const staged = join(staging, 's');

  const limit = platform === 'darwin' ? 103 : 107; // sizeof sun_path, less the closing NUL
  const excess = Math.max(Buffer.byteLength(socket), Buffer.byteLength(staged)) - limit;
  if (excess > 0) {
    throw new TallystickError('socket_path_invalid', `"${socket}" is ${excess} bytes too long for a Unix socket`);
  }
  return { socket, folder, lock: `${socket}.lock`, staging, staged };
}
