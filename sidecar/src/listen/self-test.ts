import { connect, type Server, type Socket } from 'node:net';
import { TallystickError, type Timers } from '@tallystick/core';
import type { Peer } from './peer.ts';

const PATIENCE_MS = 5_000;

/**
 * Connects to `server` at `path` and returns the peer it sees, which must be this process: where the kernel names
 * even that one wrongly, no workload can be told from another.
 *
 * @param read Reads the peer of an accepted connection, as the server does.
 * @throws {TallystickError} `listen_failed`
 */
export async function testOwnPeer(
  server: Server,
  path: string,
  read: (socket: Socket) => Peer,
  timers: Timers,
): Promise<Peer> {
  const seen = await ownConnection(server, path, read, timers);
  const expected = { uid: process.geteuid?.(), gid: process.getegid?.(), pid: process.pid };
  const wrong = (['uid', 'gid', 'pid'] as const).filter((name) => seen[name] !== expected[name]);
  if (wrong.length > 0) {
    const facts = wrong.map((name) => `${name} ${seen[name]} where it is ${expected[name]}`).join(', ');
    throw failure(`the kernel names this process wrongly at the other end of its socket: ${facts}`);
  }
  return seen;
}

function ownConnection(server: Server, path: string, read: (socket: Socket) => Peer, timers: Timers): Promise<Peer> {
  return new Promise<Peer>((resolve, reject) => {
    const client = connect(path);
    const timer = timers.after(PATIENCE_MS, () => finish(() => reject(failure('the own socket does not answer'))), {
      keepAlive: true,
    });
    const finish = (settle: () => void): void => {
      timer.cancel();
      server.off('connection', accepted);
      client.destroy();
      settle();
    };
    const accepted = (socket: Socket): void => {
      try {
        const peer = read(socket);
        finish(() => resolve(peer));
      } catch (error) {
        finish(() => reject(failure('the kernel does not name the other end of a connection', error)));
      }
    };
    // Before the server's own listener, which closes a connection that it cannot judge.
    server.prependListener('connection', accepted);
    client.on('error', (error) => finish(() => reject(failure('the own socket refuses a connection', error))));
  });
}

function failure(description: string, cause?: unknown): TallystickError {
  return new TallystickError('listen_failed', description, {
    remedy: 'run the sidecar on a kernel that gives peer credentials; sandboxed ones such as gVisor may not',
    ...(cause !== undefined && { cause }),
  });
}
