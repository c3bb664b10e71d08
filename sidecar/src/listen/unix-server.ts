import type { Socket } from 'node:net';
import type { Timers } from '@tallystick/core';
import type { Admission } from './admission.ts';
import { bindSocket, type BoundSocket } from './bind-socket.ts';
import type { RefusalListener } from './counters.ts';
import { createHttpServer, type Handler, type HttpServer } from './http-server.ts';
import type { Kernel } from './kernel.ts';
import type { Limits } from './limits.ts';
import type { Peer } from './peer.ts';
import type { ReadPeer } from './read-peer.ts';
import type { ScreenRules } from './screen.ts';
import { testOwnPeer } from './self-test.ts';

/** What serves one Unix socket. */
export interface UnixServerOptions {
  /** Becomes {@link Peer.socket}. */
  readonly name: string;
  /** Absolute path. */
  readonly path: string;
  /** Mode of the socket file, and of its folder where that is made. */
  readonly mode: number;
  readonly folderMode: number;
  readonly rules: ScreenRules;
  readonly limits: Limits;
  readonly admission: Admission;
  readonly kernel: Kernel;
  readonly readPeer: ReadPeer;
  /** True for a peer that can be no workload. Absent: none is a stranger. */
  readonly isStranger?: ((peer: Peer) => boolean) | undefined;
  readonly timers: Timers;
  readonly handler: Handler<Peer>;
  readonly refused: RefusalListener;
  readonly failed: (error: unknown) => void;
}

/** A server on a Unix socket that knows the peer of every connection. */
export interface UnixServer extends Pick<HttpServer, 'counts'> {
  /**
   * Tests the kernel's answers on this process, then shows the socket. Returns how the sidecar sees itself there:
   * what it cannot see of itself, it sees of nobody.
   *
   * @throws {TallystickError} `socket_path_invalid`, `socket_in_use`, `listen_failed`
   */
  start(): Promise<Peer>;
  /** Takes the socket away, then ends as {@link HttpServer.stop} does. Another sidecar may serve the path meanwhile. */
  stop(deadlineMs: number): Promise<void>;
}

export function createUnixServer(options: UnixServerOptions): UnixServer {
  const read = (socket: Socket): Peer => options.readPeer(socket, options.name);
  const http = createHttpServer<Peer>({
    rules: options.rules,
    limits: options.limits,
    admission: options.admission,
    timers: options.timers,
    handler: options.handler,
    refused: options.refused,
    failed: options.failed,
    identify(socket) {
      const client = read(socket);
      const isStranger = options.isStranger?.(client) ?? false;
      return { client, countedAs: `${client.socket} ${client.uid}`, isStranger };
    },
  });
  let bound: BoundSocket | undefined;

  return {
    counts: () => http.counts(),
    async start() {
      bound = await bindSocket(http.server, {
        path: options.path,
        mode: options.mode,
        folderMode: options.folderMode,
        kernel: options.kernel,
        test: (server, path) => testOwnPeer(server, path, read, options.timers),
      });
      return bound.self;
    },
    async stop(deadlineMs) {
      bound?.unlink();
      const stopped = http.stop(deadlineMs);
      bound?.unlock();
      await stopped;
    },
  };
}
