import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { descriptorOf } from './descriptor.ts';
import type { Kernel, PeerCredentials } from './kernel.ts';
import type { Peer } from './peer.ts';
import { processTable, type ProcessTable } from './process-table.ts';

/** Where peers are read from. Injected, so that tests can be an older kernel. */
export interface PeerSource {
  readonly kernel: Kernel;
  readonly processes: ProcessTable;
}

/** The machine's. */
export function peerSource(kernel: Kernel): PeerSource {
  return { kernel, processes: processTable };
}

/**
 * Returns the peer of a connection that was accepted just now. Holds a pidfd until the connection closes, where the
 * kernel gives one.
 *
 * @param name Name of the socket that it came in by.
 * @throws {Error} The kernel does not name the peer, or there is no descriptor left.
 */
export function readPeer(source: PeerSource, socket: Socket, name: string): Peer {
  const fd = descriptorOf(socket);
  const credentials = source.kernel.peerCredentials(fd);
  const handle = source.kernel.openPeerProcess(fd);

  if (handle === 'exited') {
    return { socket: name, ...credentials, visible: false, executable: undefined, isAlive: () => false };
  }
  let open = true;
  socket.once('close', () => {
    open = false;
    if (handle !== undefined) closeSync(handle);
  });
  const running =
    handle === undefined ? sameStartTime(source.processes, credentials) : () => !source.kernel.hasExited(handle);
  const isAlive = (): boolean => open && running();

  // The pidfd is looked up in the mounted table: under a /proc of another PID namespace the number would name another.
  const visible =
    handle !== undefined && credentials.pid > 0 && source.processes.pidOf(handle) === credentials.pid && isAlive();
  const executable = visible ? source.processes.executable(credentials.pid) : undefined;
  // Asked after the read: had it ended before, the number could already have been another's.
  return { socket: name, ...credentials, visible, executable: isAlive() ? executable : undefined, isAlive };
}

/**
 * Without a pidfd: the process counts as running while its pid keeps the start time seen first. A pid reused between
 * `connect()` and this call is not noticed, which is why such a peer is not `visible`.
 */
function sameStartTime(processes: ProcessTable, { pid }: PeerCredentials): () => boolean {
  const first = pid > 0 ? processes.startTime(pid) : undefined;
  // Never seen: another PID namespace, or a hidden /proc. Nothing can be said.
  return first === undefined ? () => true : () => processes.startTime(pid) === first;
}
