import { systemTimers, type Timers } from '@tallystick/core';
import type { WorkloadSocket } from '../config/config.ts';
import { Admission } from './admission.ts';
import type { ListenCounts, RefusalListener, RefusalReason } from './counters.ts';
import type { Handler } from './http-server.ts';
import { loadKernel, type Kernel } from './kernel.ts';
import { WORKLOAD_LIMITS, type Limits } from './limits.ts';
import type { Peer } from './peer.ts';
import { createReadPeer } from './read-peer.ts';
import { workloadHosts } from './screen.ts';
import { createUnixServer } from './unix-server.ts';

/** What serves the workload sockets. */
export interface WorkloadServerOptions {
  readonly sockets: readonly WorkloadSocket[];
  /** `issuer.url`: its host is one that clients may ask for. */
  readonly issuer: string;
  readonly handler: Handler<Peer>;
  /** True for a peer that can be no workload, of whom few are let in. Asked when it connects. */
  readonly isStranger?: (peer: Peer) => boolean;
  /** Hears of each refusal before the handler, for the summary that the record keeps of them. */
  readonly refused?: RefusalListener;
  /** Hears of errors that are defects, for the log. */
  readonly failed: (error: unknown) => void;
  readonly limits?: Limits;
  readonly kernel?: Kernel;
  readonly timers?: Timers;
}

/** The workload sockets, served together under one set of limits. */
export interface WorkloadServer {
  /**
   * Shows every socket, or none: the first that fails takes the others back. Returns how the sidecar sees itself by
   * each; where that is not `visible`, no peer will be.
   *
   * @throws {TallystickError} `platform_unsupported`, `socket_path_invalid`, `socket_in_use`, `listen_failed`
   */
  start(): Promise<readonly Peer[]>;
  /** Takes the sockets away, lets requests finish for `deadlineMs`, and closes what is left. */
  stop(deadlineMs: number): Promise<void>;
  counts(): ListenCounts;
}

export function createWorkloadServer(options: WorkloadServerOptions): WorkloadServer {
  const limits = options.limits ?? WORKLOAD_LIMITS;
  const admission = new Admission(limits);
  const kernel = options.kernel ?? loadKernel();
  const readPeer = createReadPeer(kernel);
  const refusals = new Map<RefusalReason, number>();
  const servers = options.sockets.map(({ name, path, mode }) =>
    createUnixServer({
      name,
      path,
      mode,
      folderMode: 0o755,
      rules: { hosts: workloadHosts(options.issuer), methods: undefined, forwarded: false, query: false, limits },
      limits,
      admission,
      kernel,
      readPeer,
      isStranger: options.isStranger,
      timers: options.timers ?? systemTimers,
      handler: options.handler,
      refused(reason, peer) {
        refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
        options.refused?.(reason, peer);
      },
      failed: options.failed,
    }),
  );
  const stop = async (deadlineMs: number): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop(deadlineMs)));
  };

  return {
    async start() {
      const selves: Peer[] = [];
      try {
        for (const server of servers) selves.push(await server.start());
      } catch (error) {
        await stop(0);
        throw error;
      }
      return selves;
    },
    stop,
    counts() {
      const each = servers.map((server) => server.counts());
      const sum = (name: 'accepted' | 'requests' | 'streams'): number =>
        each.reduce((total, counts) => total + counts[name], 0);
      return {
        accepted: sum('accepted'),
        requests: sum('requests'),
        streams: sum('streams'),
        connections: admission.connections,
        inFlight: admission.requests,
        refused: refusals,
      };
    },
  };
}
