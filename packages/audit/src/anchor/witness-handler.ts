import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { TallystickError, type Timers } from '@tallystick/core';
import type { Witness, WitnessAnswer } from './witness.ts';

/** The inputs of {@link witnessHandler}. */
export interface WitnessHandlerOptions {
  readonly witness: Witness;
  readonly timers: Timers;
  /** How long a request may take to arrive, in milliseconds. */
  readonly requestTimeoutMs?: number;
  /** Told of each failure of the witness itself; what a log sent is never part of it. */
  readonly onError?: (error: TallystickError) => void;
}

/** A proof of 63 hashes and a hundred signatures, even large ones, take less. */
export const MAX_ADD_CHECKPOINT_BYTES = 64 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;

/**
 * Returns the handler of `POST /add-checkpoint` (tlog-witness, HTTP Interface), for a server or a path below one: the
 * path is compared as it arrives, without a query.
 *
 * It bounds the body in bytes and in time. How many connections there may be, and how long heads may take, is for the
 * server to say.
 */
export function witnessHandler(options: WitnessHandlerOptions): RequestListener {
  const { witness, timers, requestTimeoutMs = REQUEST_TIMEOUT_MS, onError } = options;
  return (request, response) => {
    if (request.url !== '/add-checkpoint') return refuse(response, 404, 'there is nothing at this path');
    if (request.method !== 'POST') {
      response.setHeader('allow', 'POST');
      return refuse(response, 405, 'the method is POST');
    }
    void readBody(request, timers, requestTimeoutMs)
      .then(async (body) => {
        if (typeof body === 'number')
          return refuse(response, body, body === 413 ? 'the body is too large' : 'the body is too slow');
        answer(response, await witness.addCheckpoint(body));
      })
      .catch((error: unknown) => {
        // A log that went away is not a failure of the witness.
        if (request.destroyed && !request.complete) return;
        onError?.(
          TallystickError.is(error)
            ? error
            : new TallystickError('internal_error', 'the witness failed', { cause: error }),
        );
        refuse(response, 500, 'the witness cannot cosign');
      });
  };
}

function answer(response: ServerResponse, result: WitnessAnswer): void {
  switch (result.status) {
    case 200:
      return send(response, 200, 'text/plain; charset=utf-8', result.body);
    case 409:
      return send(response, 409, 'text/x.tlog.size', `${result.size}\n`);
    case 400:
    case 403:
    case 404:
    case 422:
      return send(response, result.status, 'text/plain; charset=utf-8', `${result.reason}\n`);
  }
}

/** Answers before a body has arrived whole, so the connection cannot be used again. */
function refuse(response: ServerResponse, status: number, reason: string): void {
  if (response.headersSent) return;
  response.setHeader('connection', 'close');
  send(response, status, 'text/plain; charset=utf-8', `${reason}\n`);
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}

/** Returns the body, or the status of its refusal. Rejects where the connection breaks off. */
function readBody(request: IncomingMessage, timers: Timers, timeoutMs: number): Promise<Buffer | 408 | 413> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const timer = timers.after(timeoutMs, () => end(408));
    const end = (result: Buffer | 408 | 413): void => {
      timer.cancel();
      request.off('data', take);
      resolve(result);
    };
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > MAX_ADD_CHECKPOINT_BYTES) end(413);
    };
    request.on('data', take);
    request.once('end', () => end(Buffer.concat(chunks)));
    request.once('error', (error) => {
      timer.cancel();
      reject(error);
    });
    request.once('close', () => end(Buffer.alloc(0)));
  });
}
