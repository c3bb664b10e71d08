import type { Socket } from 'node:net';
import { descriptorOf } from './descriptor.ts';
import { loadKernel, type Kernel } from './kernel.ts';
import type { Peer } from './peer.ts';
import { processTable, type ProcessTable } from './process-table.ts';
import { ProcessWatch } from './process-watch.ts';

/** Reads the peer of a connection that was accepted just now, by the socket of a given name. */
export type ReadPeer = (socket: Socket, name: string) => Peer;

/**
 * Makes the function that reads peers. One for all sockets of a sidecar.
 *
 * It throws when the kernel does not name the peer, or there is no descriptor left.
 */
export function createReadPeer(kernel: Kernel = loadKernel(), processes: ProcessTable = processTable): ReadPeer {
  const watch = new ProcessWatch(kernel, processes);

  return (socket, name) => {
    const fd = descriptorOf(socket);
    const { uid, gid, pid } = kernel.peerCredentials(fd);
    const facts = { socket: name, uid, gid, pid };
    const pidfd = kernel.openPeerProcess(fd);

    if (pidfd === 'exited') return { ...facts, visible: false, executable: undefined, isAlive: () => false };
    if (pidfd === undefined) {
      return { ...facts, visible: false, executable: undefined, isAlive: sameStartTime(processes, pid) };
    }
    // The pidfd is looked up in the mounted table: under a /proc of another PID namespace the number would name another.
    const listed = pid > 0 && processes.pidOf(pidfd) === pid;
    const watched = watch.adopt(pidfd);
    socket.once('close', () => watched.release());
    const executable = listed ? processes.executable(pid) : undefined;
    // Asked after the reads: had it ended before, the number could already have been another's.
    const visible = listed && watched.isRunning() === true;
    const isAlive = (): boolean => watched.isRunning() ?? true;
    return { ...facts, visible, executable: visible ? executable : undefined, isAlive };
  };
}

/**
 * Without a pidfd: the process counts as running while its pid keeps the start time seen first. A pid reused between
 * `connect()` and this call is not noticed, which is why such a peer is not `visible`.
 */
function sameStartTime(processes: ProcessTable, pid: number): () => boolean {
  const first = pid > 0 ? processes.startTime(pid) : undefined;
  // Never seen: another PID namespace, or a hidden /proc. Nothing can be said.
  return first === undefined ? () => true : () => processes.startTime(pid) === first;
}
