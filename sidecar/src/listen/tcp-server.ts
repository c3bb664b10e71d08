import type { Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { isLoopbackHost, systemTimers, TallystickError, type Timers } from '@tallystick/core';
import type { HttpListener } from '../config/config.ts';
import { Admission } from './admission.ts';
import { createHttpServer, type Handler } from './http-server.ts';
import { TCP_LIMITS } from './limits.ts';
import { readTlsPair, watchTlsPair } from './tls-files.ts';

/** What serves a read-only TCP listener. */
export interface TcpServerOptions {
  readonly listener: HttpListener;
  /**
   * `public` needs a certificate away from loopback, and takes no query; `health` needs none and takes any, since
   * kubelets and scrapers ask by address and with parameters of their own.
   */
  readonly kind: 'public' | 'health';
  /** The client is its address. */
  readonly handler: Handler<string>;
  /** Hears of defects, and of a certificate that cannot be used. */
  readonly failed: (error: unknown) => void;
  readonly timers?: Timers;
}

/** A TCP listener that answers GET and HEAD. */
export interface TcpServer {
  /**
   * Returns the bound address.
   *
   * @throws {TallystickError} `listen_failed`
   */
  start(): Promise<AddressInfo>;
  stop(deadlineMs: number): Promise<void>;
}

/** @throws {TallystickError} `listen_failed`: `public` without a certificate, away from loopback. */
export function createTcpServer({ listener, kind, ...options }: TcpServerOptions): TcpServer {
  const timers = options.timers ?? systemTimers;
  const { host, port, tls: files } = listener;
  if (kind === 'public' && !files && !isLoopbackHost(host)) {
    throw new TallystickError('listen_failed', `plain HTTP on "${host}" would be open to the network`, {
      remedy: 'give "public" a certificate and key, or let it listen on 127.0.0.1',
    });
  }
  const tls = files && readTlsPair(files);
  const http = createHttpServer<string>({
    rules: {
      hosts: listener.hosts && new Set(listener.hosts),
      methods: ['GET', 'HEAD'],
      forwarded: true,
      query: kind === 'health',
      limits: TCP_LIMITS,
    },
    limits: TCP_LIMITS,
    admission: new Admission(TCP_LIMITS),
    ...(tls && { tls }),
    timers,
    handler: options.handler,
    identify: (socket: Socket) => ({ client: socket.remoteAddress ?? '', countedAs: socket.remoteAddress ?? '' }),
    refused: () => {},
    failed: options.failed,
  });
  let unwatch: (() => void) | undefined;

  return {
    async start() {
      await new Promise<void>((resolve, reject) => {
        const failed = (error: Error): void =>
          reject(
            new TallystickError('listen_failed', `"${kind}" cannot listen on ${host}:${port}: ${error.message}`, {
              cause: error,
            }),
          );
        http.server.once('error', failed);
        http.server.listen({ host, port, exclusive: true }, () => {
          http.server.off('error', failed);
          resolve();
        });
      });
      if (files && tls) {
        const changed = (pair: typeof tls): void => (http.server as TlsServer).setSecureContext(pair);
        unwatch = watchTlsPair(files, tls, { changed, failed: options.failed }, timers);
      }
      return http.server.address() as AddressInfo;
    },
    async stop(deadlineMs) {
      unwatch?.();
      await http.stop(deadlineMs);
    },
  };
}
