import type { IncomingMessage, ServerResponse } from 'node:http';
import { TallystickError } from '@tallystick/core';
import { answerError } from './answer.ts';
import { discardBody } from './body.ts';

/** One request and its answer. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** True for an event stream: no end is waited for, and it takes no part of the limits. */
  stream: boolean;
  /** Gives back its place within the limits. */
  release(): void;
}

const exchangeOf = new WeakMap<ServerResponse, { exchange: Exchange; owner: Exchanges }>();

/**
 * Declares that an answer is an event stream: it stays open until the client leaves or the sidecar stops, and no
 * longer counts as a request in flight. No effect on an answer that has ended.
 */
export function holdOpen(response: ServerResponse): void {
  const entry = exchangeOf.get(response);
  entry?.owner.holdOpen(entry.exchange);
}

/** The requests that one server is answering. */
export class Exchanges {
  readonly #open = new Set<Exchange>();
  #streams = 0;
  #stopping = false;
  #onIdle: (() => void) | undefined;

  /** Open event streams. */
  get streams(): number {
    return this.#streams;
  }

  /** @param release Runs once: when the answer is complete, becomes a stream, or its connection closes. */
  begin(request: IncomingMessage, response: ServerResponse, release: () => void): () => void {
    const exchange: Exchange = { request, response, stream: false, release };
    this.#open.add(exchange);
    exchangeOf.set(response, { exchange, owner: this });
    // Requests that come in after a stop began were on their way: they are answered, and are the last.
    if (this.#stopping) response.shouldKeepAlive = false;
    const end = (): void => this.#end(exchange);
    response.once('close', end);
    // The handler may answer without reading the body.
    response.once('prefinish', () => {
      if (!request.complete) discardBody(request);
    });
    return end;
  }

  holdOpen(exchange: Exchange): void {
    if (exchange.stream || !this.#open.has(exchange)) return;
    exchange.stream = true;
    this.#streams++;
    exchange.release();
    if (this.#stopping) exchange.response.end();
    this.#settle();
  }

  /** Ends the streams, and lets every other answer, also of requests that still come, close its connection. */
  stop(): void {
    this.#stopping = true;
    for (const { response, stream } of this.#open) {
      if (stream) response.end();
      else if (!response.headersSent) response.shouldKeepAlive = false;
    }
  }

  /** Resolves when there are only streams, or nothing. Call it once. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve;
      this.#settle();
    });
  }

  /** Answers what has no answer yet: the sidecar is stopping. */
  abandon(): void {
    for (const { response } of this.#open) {
      response.shouldKeepAlive = false;
      answerError(response, new TallystickError('stopping', 'the sidecar stopped before this request was done'));
    }
  }

  #end(exchange: Exchange): void {
    if (!this.#open.delete(exchange)) return;
    if (exchange.stream) this.#streams--;
    else exchange.release();
    // Its header was out before the stop, and promised to keep the connection.
    if (this.#stopping) exchange.request.socket.destroySoon();
    this.#settle();
  }

  #settle(): void {
    if (!this.#onIdle) return;
    for (const { stream } of this.#open) if (!stream) return;
    this.#onIdle();
  }
}

/**
 * Answers a request that never becomes an exchange, and lets what is left of its body flow away.
 *
 * @param allow The methods to name with `method_not_allowed` (RFC 9110 §15.5.6).
 */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  error: TallystickError,
  allow: readonly string[] = [],
): void {
  if (!request.complete) discardBody(request);
  answerError(response, error, error.code === 'method_not_allowed' ? { allow: allow.join(', ') } : {});
}
