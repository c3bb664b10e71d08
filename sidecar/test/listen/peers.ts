import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Peer } from '../../src/listen/peer.ts';
import type { ReadPeer } from '../../src/listen/read-peer.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A socket that anybody may connect to, whose connections are read as they come. */
export interface PeerReader {
  readonly path: string;
  /** The next connection. */
  next(): Promise<{ peer: Peer; socket: Socket }>;
}

export async function readPeers(readPeer: ReadPeer): Promise<PeerReader> {
  const path = join(temporaryFolder(), 's');
  const server = createServer().listen({ path, readableAll: true, writableAll: true });
  await once(server, 'listening');
  const sockets: Socket[] = [];
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    path,
    async next() {
      const [socket] = (await once(server, 'connection')) as [Socket];
      sockets.push(socket.resume().on('error', () => {}));
      return { peer: readPeer(socket, 'app'), socket };
    },
  };
}
