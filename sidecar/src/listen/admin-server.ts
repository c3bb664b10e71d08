import { systemTimers, TallystickError, type Timers } from '@tallystick/core';
import { Admission } from './admission.ts';
import type { RefusalListener } from './counters.ts';
import type { Handler } from './http-server.ts';
import { loadKernel, type Kernel } from './kernel.ts';
import { ADMIN_LIMITS } from './limits.ts';
import type { Peer } from './peer.ts';
import { createReadPeer } from './read-peer.ts';
import { createUnixServer, type UnixServer } from './unix-server.ts';

/** What serves the admin socket. */
export interface AdminServerOptions {
  /** Absolute path, in a folder that no workload is given. */
  readonly path: string;
  /** Called for root and the sidecar's own user alone. */
  readonly handler: Handler<Peer>;
  readonly refused: RefusalListener;
  readonly failed: (error: unknown) => void;
  readonly kernel?: Kernel;
  readonly timers?: Timers;
}

/** A server on the admin socket: mode 0600, and the kernel's word on who connected beside it. */
export function createAdminServer(options: AdminServerOptions): UnixServer {
  const own = process.geteuid?.();
  const kernel = options.kernel ?? loadKernel();
  return createUnixServer({
    name: 'admin',
    path: options.path,
    mode: 0o600,
    folderMode: 0o700,
    rules: { hosts: new Set(['localhost']), methods: undefined, forwarded: false, query: true, limits: ADMIN_LIMITS },
    limits: ADMIN_LIMITS,
    admission: new Admission(ADMIN_LIMITS),
    kernel,
    readPeer: createReadPeer(kernel),
    timers: options.timers ?? systemTimers,
    refused: options.refused,
    failed: options.failed,
    handler(request, response, peer) {
      // The mode keeps others out; this also holds where the file system does not honour it.
      if (peer.uid !== 0 && peer.uid !== own) {
        options.refused('admin_refused', peer);
        throw new TallystickError('admin_refused', `uid ${peer.uid} may not use the admin socket`);
      }
      return options.handler(request, response, peer);
    },
  });
}
