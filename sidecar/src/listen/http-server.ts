import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { TallystickError, type Timers } from '@tallystick/core';
import type { Admission } from './admission.ts';
import { answerError, rawErrorAnswer } from './answer.ts';
import { clientFault } from './client-fault.ts';
import { isAnswered, mayAnswer, type Connection } from './connection.ts';
import type { RefusalReason } from './counters.ts';
import { acceptQueued, turn, within } from './drain.ts';
import { Exchanges, refuse } from './exchanges.ts';
import type { Limits } from './limits.ts';
import { screen, type ScreenRules } from './screen.ts';

/** How long a stop waits for the first request of a connection that is there, in milliseconds. */
const FIRST_REQUEST_MS = 100;

/** Answers a request. What it throws becomes an error answer. */
export type Handler<Client> = (
  request: IncomingMessage,
  response: ServerResponse,
  client: Client,
) => void | Promise<void>;

/** What an {@link HttpServer} is made of. `Client` is what is known of the other end. */
export interface HttpServerOptions<Client> {
  readonly rules: ScreenRules;
  readonly limits: Limits;
  /** May be shared with other servers, which then share the limits on connections and requests. */
  readonly admission: Admission;
  /** Absent: plain HTTP. */
  readonly tls?: SecureContextOptions;
  readonly timers: Timers;
  readonly handler: Handler<Client>;
  /**
   * Returns who connected, once per connection, the name under which the limits count it, and whether it can be no
   * workload, of whom few are let in. May throw.
   */
  identify(socket: Socket): { readonly client: Client; readonly countedAs: string; readonly isStranger?: boolean };
  /** Hears of each refusal before the handler. */
  refused(reason: RefusalReason, client: Client | undefined): void;
  /** Hears of each error of the handler that was not meant for the client. */
  failed(error: unknown): void;
}

/** An HTTP/1.1 server that bounds what each client may take, and answers every fault in the OAuth shape. */
export interface HttpServer {
  /** Not listening yet. */
  readonly server: Server;
  /** Accepted connections and handled requests since the start, and event streams open now. */
  counts(): { accepted: number; requests: number; streams: number };
  /**
   * Stops accepting, lets requests finish for `deadlineMs`, answers the rest with `stopping`, and resolves when every
   * connection is closed.
   */
  stop(deadlineMs: number): Promise<void>;
}

export function createHttpServer<Client>(options: HttpServerOptions<Client>): HttpServer {
  const { limits, admission } = options;
  const connections = new Map<Socket, Connection<Client>>();
  const exchanges = new Exchanges(admission, { [Symbol.iterator]: () => connections.values() });
  const counts = { accepted: 0, requests: 0 };
  const server = options.tls ? createTlsServer(limits, options.tls) : createServer(parserOptions(limits));
  server.timeout = limits.stallMs;
  if (options.tls) server.maxConnections = limits.connections; // Those that have not finished their handshake.

  // Before Node's own listener, so that a connection that is refused here is never read.
  server.prependListener(options.tls ? 'secureConnection' : 'connection', (socket: Socket) => {
    counts.accepted++;
    let identified;
    try {
      identified = options.identify(socket);
    } catch (error) {
      options.refused('peer_unreadable', undefined);
      options.failed(error);
      socket.destroy();
      return;
    }
    const share = admission.openConnection(identified.countedAs, identified.isStranger);
    if (!share) {
      options.refused('connection_limit', identified.client);
      cut(socket, overloaded('connections'));
      return;
    }
    const connection: Connection<Client> = { client: identified.client, share, open: new Set(), latest: undefined };
    connections.set(socket, connection);
    socket.once('close', () => {
      connections.delete(socket);
      exchanges.endAll(connection);
      admission.closeConnection(share);
    });
  });

  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const connection = connections.get(request.socket);
    if (!connection) return; // Refused when it connected, and closed since.
    connection.latest = response;
    let fault = screen(request, options.rules);
    if (!fault && !exchanges.begin(connection, response)) fault = overloaded('requests in flight');
    if (fault) {
      options.refused(fault.code, connection.client);
      refuse(
        response,
        fault,
        fault.code === 'method_not_allowed' ? { allow: options.rules.methods?.join(', ') ?? '' } : {},
      );
      return;
    }
    counts.requests++;
    void run(options, request, response, connection.client);
  };

  server.on('request', serve);
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    // Who waits for leave to send its body gets it only where `serve` has not refused the header.
    serve(request, response);
    if (!response.headersSent) response.writeContinue();
  });
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    options.refused('invalid_request', connections.get(request.socket)?.client);
    refuse(response, new TallystickError('invalid_request', 'the expectation in "Expect" is unknown'));
  });
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    options.refused('method_not_allowed', connections.get(socket)?.client);
    cut(socket, new TallystickError('method_not_allowed', 'CONNECT is not answered here'));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const fault = clientFault(error.code);
    const connection = connections.get(socket);
    // A client that leaves, once it has the answer that closes the connection, does as it was told.
    const hasLeft = error.code === 'HPE_INVALID_EOF_STATE' && isAnswered(connection);
    if (fault && !hasLeft) options.refused(fault.code, connection?.client);
    cut(socket, mayAnswer(connection) ? fault : undefined);
  });
  server.on('timeout', (socket: Socket) => {
    // Silence while the handler works is not the client's fault; silence with an answer waiting for it is.
    if (socket.writableLength > 0 || !connections.get(socket)?.open.size) socket.destroy();
  });
  server.once('listening', () => {
    server.on('error', () => options.refused('accept_failed', undefined));
  });

  return {
    server,
    counts: () => ({ ...counts, streams: exchanges.streams }),
    async stop(deadlineMs) {
      exchanges.stop();
      await acceptQueued(counts);
      // Not the method of http.Server: that one also destroys connections whose last answer is still being written.
      const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
      await turn(); // Parses what has been sent.
      for (const [socket, { open, latest }] of connections) if (open.size === 0 && latest) socket.destroy();
      // Who has just connected is about to send a first request.
      await within(Math.min(deadlineMs, FIRST_REQUEST_MS), firstRequests(server, connections), options.timers);
      for (const [socket, { open }] of connections) if (open.size === 0) socket.destroy();
      await within(deadlineMs, exchanges.idle(), options.timers);
      exchanges.abandon();
      await turn();
      for (const socket of connections.keys()) socket.destroy();
      await closed;
      server.close(); // Ends its timer.
    },
  };
}

/** Resolves when every connection there is now has sent a request, or is closed. */
function firstRequests(server: Server, connections: ReadonlyMap<Socket, Connection<unknown>>): Promise<void> {
  const fresh = [...connections].filter(([, { latest }]) => latest === undefined);
  return new Promise((resolve) => {
    const look = (): void => {
      if (fresh.every(([socket, { latest }]) => socket.destroyed || latest !== undefined)) resolve();
    };
    for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, look);
    for (const [socket] of fresh) socket.once('close', look);
    look();
  });
}

function createTlsServer(limits: Limits, pair: SecureContextOptions): Server {
  // Loaded here alone: most sidecars have no certificate, and TLS takes 2 MB.
  const https = process.getBuiltinModule('node:https');
  return https.createServer({ ...parserOptions(limits), ...pair, handshakeTimeout: limits.requestMs });
}

function parserOptions(limits: Limits): ServerOptions {
  return {
    insecureHTTPParser: false,
    joinDuplicateHeaders: true, // By default, the second of two Authorization or Host fields vanishes.
    requireHostHeader: false, // `screen` requires it, and answers in JSON.
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headerMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.idleMs,
    connectionsCheckingInterval: Math.min(1_000, limits.headerMs),
  };
}

async function run<Client>(
  options: HttpServerOptions<Client>,
  request: IncomingMessage,
  response: ServerResponse,
  client: Client,
): Promise<void> {
  try {
    await options.handler(request, response, client);
  } catch (error) {
    if (!TallystickError.is(error) || error.code === 'internal_error') options.failed(error);
    answerError(response, error);
  }
}

function cut(socket: Socket, fault: TallystickError | undefined): void {
  if (fault && socket.writable) socket.write(rawErrorAnswer(fault));
  socket.destroy();
}

function overloaded(what: string): TallystickError {
  return new TallystickError('overloaded', `too many ${what}`, { retryAfterMs: 1_000 });
}
