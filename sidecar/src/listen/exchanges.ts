import type { ServerResponse } from 'node:http';
import { TallystickError } from '@tallystick/core';
import type { Admission } from './admission.ts';
import { answerError } from './answer.ts';
import { discardBody, lingerFor, mayBeCut } from './body.ts';
import type { Connection } from './connection.ts';

/** One request and its answer. */
export interface Exchange {
  readonly response: ServerResponse;
  readonly connection: Connection<unknown>;
  readonly owner: Exchanges;
  /** True for an event stream: its end is not waited for, and it takes no place within the limits. */
  stream: boolean;
}

// Kept on the response: an entry per request in a WeakMap costs the garbage collector more than all else here.
const EXCHANGE = Symbol('exchange');
type Tracked = ServerResponse & { [EXCHANGE]?: Exchange };

/**
 * Declares that an answer is an event stream: it stays open until the client leaves or the sidecar stops, and no
 * longer counts as a request in flight. No effect on an answer that has ended.
 */
export function holdOpen(response: ServerResponse): void {
  const exchange = (response as Tracked)[EXCHANGE];
  exchange?.owner.holdOpen(exchange);
}

/** The requests that one server is answering. */
export class Exchanges {
  readonly #admission: Admission;
  readonly #connections: Iterable<Connection<unknown>>;
  #inFlight = 0;
  #streams = 0;
  #stopping = false;
  #onIdle: (() => void) | undefined;

  /** @param connections The open ones, whenever it is read. */
  constructor(admission: Admission, connections: Iterable<Connection<unknown>>) {
    this.#admission = admission;
    this.#connections = connections;
  }

  /** Open event streams. */
  get streams(): number {
    return this.#streams;
  }

  /** Takes in a request; false when it is one too many. It ends by itself with its response. */
  begin(connection: Connection<unknown>, response: ServerResponse): boolean {
    if (!this.#admission.beginRequest(connection.share)) return false;
    this.#inFlight++;
    const exchange: Exchange = { response, connection, owner: this, stream: false };
    connection.open.add(exchange);
    (response as Tracked)[EXCHANGE] = exchange;
    // Requests that come after a stop began were on their way: they are answered, and are the last.
    if (this.#stopping) response.shouldKeepAlive = false;
    if (mayBeCut(response.req)) response.shouldKeepAlive = false;
    response.on('prefinish', dropBody);
    response.on('close', endExchange);
    return true;
  }

  /** Ends what a connection that has closed left open: on Node 22, answers queued behind another see no close. */
  endAll(connection: Connection<unknown>): void {
    for (const exchange of connection.open) this.end(exchange);
  }

  end(exchange: Exchange): void {
    if (!exchange.connection.open.delete(exchange)) return;
    if (exchange.stream) this.#streams--;
    else this.#leave(exchange);
  }

  holdOpen(exchange: Exchange): void {
    if (exchange.stream || !exchange.connection.open.has(exchange)) return;
    exchange.stream = true;
    this.#streams++;
    this.#leave(exchange);
    if (this.#stopping) exchange.response.end();
  }

  /** Ends the streams, and lets every other answer, also of requests that still come, close its connection. */
  stop(): void {
    this.#stopping = true;
    for (const { open } of this.#connections) {
      for (const { response, stream } of open) {
        if (stream) response.end();
        else if (!response.headersSent) response.shouldKeepAlive = false;
      }
    }
  }

  /** Resolves when there are only streams, or nothing. Call it once. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#inFlight === 0) resolve();
      this.#onIdle = resolve;
    });
  }

  /** Answers what has no answer yet: the sidecar is stopping. */
  abandon(): void {
    for (const { open } of this.#connections) {
      for (const { response } of open) {
        response.shouldKeepAlive = false;
        answerError(response, new TallystickError('stopping', 'the sidecar stopped before this request was done'));
      }
    }
  }

  #leave({ connection }: Exchange): void {
    this.#admission.endRequest(connection.share);
    if (--this.#inFlight === 0) this.#onIdle?.();
  }
}

/** Answers a request that is refused before its handler, and lets what is left of its body flow away. */
export function refuse(response: ServerResponse, error: TallystickError, headers: Record<string, string> = {}): void {
  if (mayBeCut(response.req)) response.shouldKeepAlive = false;
  response.on('prefinish', dropBody);
  answerError(response, error, headers);
}

/** An answer may be complete before the body of its request is read, or has come. */
function dropBody(this: ServerResponse): void {
  if (this.req.complete) return;
  discardBody(this.req);
  lingerFor(this.req);
}

function endExchange(this: Tracked): void {
  const exchange = this[EXCHANGE];
  exchange?.owner.end(exchange);
}
