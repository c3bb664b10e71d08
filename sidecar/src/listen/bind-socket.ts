import { chmodSync, lstatSync, renameSync, unlinkSync, type Stats } from 'node:fs';
import { connect, type Server } from 'node:net';
import { basename } from 'node:path';
import { TallystickError } from '@tallystick/core';
import type { Kernel } from './kernel.ts';
import { tryLock, type Lock } from './lock.ts';
import type { Peer } from './peer.ts';
import { makePrivateFolder, prepareFolder, removePrivateFolder } from './socket-folder.ts';
import { socketPaths, type SocketPaths } from './socket-path.ts';

/** How a socket is to be made. */
export interface BindOptions {
  /** Absolute path. */
  readonly path: string;
  /** Mode of the socket file. */
  readonly mode: number;
  /** Mode of its folder, where that is made. */
  readonly folderMode: number;
  readonly kernel: Kernel;
  /** Connects to the socket while nobody else can, and returns how the kernel names this process. May throw. */
  test(server: Server, path: string): Promise<Peer>;
}

/** A socket that is served. */
export interface BoundSocket {
  /** This process, as seen by the test. */
  readonly self: Peer;
  /**
   * Takes the socket away, unless another is in its place by now. Connections stay. Once, and before the server is
   * closed: until then no other file can have its inode.
   */
  unlink(): void;
  /** Lets another sidecar serve the path. */
  unlock(): void;
}

/** Longest queue of connections not yet accepted; the kernel caps it at `net.core.somaxconn`. */
const BACKLOG = 4096;

/**
 * Lets `server` listen at a path. The socket appears there in one step, with its mode, once it can serve: it is made
 * in a folder that nobody else can enter and renamed into place. One that a dead sidecar left is replaced.
 *
 * @throws {TallystickError} `socket_path_invalid`, `listen_failed`; `socket_in_use`: a live program serves it.
 */
export async function bindSocket(server: Server, options: BindOptions): Promise<BoundSocket> {
  const paths = socketPaths(options.path);
  prepareFolder(paths.folder, options.folderMode);
  const lock = lockSocket(paths, options.kernel);
  let staged = false;
  try {
    await refuseLive(paths.socket);
    makePrivateFolder(paths.staging, basename(paths.staged));
    staged = true;
    await listen(server, paths.staged);
    const self = await options.test(server, paths.staged);
    const own = show(paths, options.mode);
    let shown = true;
    return {
      self,
      unlink() {
        if (shown) unlinkOwn(paths.socket, own);
        shown = false;
      },
      unlock: () => lock.release(),
    };
  } catch (error) {
    server.close();
    if (staged) removePrivateFolder(paths.staging, basename(paths.staged));
    lock.release();
    throw error;
  }
}

function lockSocket(paths: SocketPaths, kernel: Kernel): Lock {
  let lock: Lock | undefined;
  try {
    lock = tryLock(paths.lock, kernel);
  } catch (error) {
    throw new TallystickError('listen_failed', `the lock file cannot be used: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (!lock) throw inUse(paths.socket);
  return lock;
}

/**
 * Asks by connecting, under the lock: a program that knows nothing of the lock may serve the path, and a file that
 * nobody serves is left over, whatever process id anything says.
 */
async function refuseLive(path: string): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return;
  if (!stats.isSocket()) throw new TallystickError('listen_failed', `"${path}" is there and is not a socket`);
  const fault = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(undefined);
    });
    probe.on('error', resolve);
  });
  if (!fault || fault.code === 'EAGAIN') throw inUse(path); // EAGAIN: its queue is full.
  if (fault.code !== 'ECONNREFUSED' && fault.code !== 'ENOENT') {
    throw new TallystickError('listen_failed', `whether "${path}" is served cannot be told: ${fault.message}`);
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void =>
      reject(new TallystickError('listen_failed', `"${path}" cannot be bound: ${error.message}`, { cause: error }));
    server.once('error', failed);
    // Exclusive: a cluster's primary would bind it under its own umask and folder.
    server.listen({ path, backlog: BACKLOG, exclusive: true }, () => {
      server.off('error', failed);
      resolve();
    });
  });
}

function show(paths: SocketPaths, mode: number): Stats {
  try {
    chmodSync(paths.staged, mode);
    const stats = lstatSync(paths.staged);
    renameSync(paths.staged, paths.socket);
    removePrivateFolder(paths.staging, basename(paths.staged));
    return stats;
  } catch (error) {
    throw new TallystickError('listen_failed', `"${paths.socket}" cannot be made: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function unlinkOwn(path: string, own: Stats): void {
  const now = lstatSync(path, { throwIfNoEntry: false });
  if (now && now.dev === own.dev && now.ino === own.ino) unlinkSync(path);
}

function inUse(path: string): TallystickError {
  return new TallystickError('socket_in_use', `"${path}" is served by another process`);
}
