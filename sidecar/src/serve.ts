import type { IncomingMessage, ServerResponse } from 'node:http';
import { TallystickError, type Timers } from '@tallystick/core';
import type { Answer } from './api/answer.ts';
import type { Sidecar } from './assemble.ts';
import type { Config } from './config/config.ts';
import { createAdminServer } from './listen/admin-server.ts';
import type { RefusalListener } from './listen/counters.ts';
import { createTcpServer } from './listen/tcp-server.ts';
import { createWorkloadServer } from './listen/workload-server.ts';
import { describeListeners } from './observe/sidecar-metrics.ts';

/** The listeners of a sidecar. */
export interface Listeners {
  /** Opens all: `health` first, so that probes are answered while the rest starts. @throws {TallystickError} */
  start(): Promise<{ readonly visible: boolean }>;
  /** Stops accepting, lets what is in flight finish for `deadlineMs`, and closes. */
  stop(deadlineMs: number): Promise<void>;
}

/** What the listeners serve, and whom they tell. */
export interface ListenersOptions {
  readonly config: Config;
  readonly sidecar: Sidecar;
  readonly timers: Timers;
  readonly refused: RefusalListener;
  readonly failed: (error: unknown) => void;
}

/** Puts a sidecar behind its sockets. Opens nothing yet. */
export function createListeners({ config, sidecar, timers, refused, failed }: ListenersOptions): Listeners {
  const workload = createWorkloadServer({
    sockets: config.listen.workload,
    issuer: config.issuer.url,
    handler: sidecar.workload,
    isStranger: (peer) => !sidecar.mayMatch(peer),
    refused,
    failed,
    timers,
  });
  describeListeners(sidecar.metrics, () => workload.counts());
  const admin = createAdminServer({ path: config.listen.admin, handler: sidecar.admin, refused, failed, timers });
  const { public: publicAt, health: healthAt } = config.listen;
  const health =
    healthAt &&
    createTcpServer({
      listener: healthAt,
      kind: 'health',
      handler: readOnly((path) => sidecar.health(path)),
      failed,
      timers,
    });
  const publicServer =
    publicAt &&
    createTcpServer({
      listener: publicAt,
      kind: 'public',
      handler: readOnly((path, headers) => sidecar.public(path, headers)),
      failed,
      timers,
    });
  const stop = async (deadlineMs: number): Promise<void> => {
    await workload.stop(deadlineMs);
    await Promise.all([publicServer?.stop(deadlineMs), admin.stop(deadlineMs), health?.stop(deadlineMs)]);
  };
  return {
    stop,
    async start() {
      try {
        await health?.start();
        await publicServer?.start();
        await admin.start();
        const selves = await workload.start();
        return { visible: selves.every((self) => self.visible) };
      } catch (error) {
        await stop(0).catch(() => {});
        throw error;
      }
    },
  };
}

type Find = (path: string, headers: IncomingMessage['headers']) => Promise<Answer | undefined> | Answer | undefined;

function readOnly(find: Find): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0]!;
    const answer = await find(path, request.headers);
    if (!answer) throw new TallystickError('route_unknown', 'there is no such route');
    response.writeHead(answer.status, {
      ...(answer.type !== '' && { 'content-type': answer.type, 'content-length': Buffer.byteLength(answer.body) }),
      'x-content-type-options': 'nosniff',
      ...answer.headers,
    });
    response.end(request.method === 'HEAD' || answer.status === 304 ? undefined : answer.body);
  };
}
