import type { IncomingMessage } from 'node:http';
import { TallystickError } from '@tallystick/core';
import { bodyTooLarge } from './screen.ts';

/**
 * Reads the whole body of a request; at most once. The time for it is limited by the listener.
 *
 * @param limit Bytes.
 * @throws {TallystickError} `body_too_large`; `invalid_request`: the client left, or was too slow.
 */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const { headers } = request;
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) {
    return Promise.resolve(Buffer.alloc(0));
  }
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limit) {
        chunks.push(chunk);
      } else {
        // The listener stays, so that the rest flows away while the refusal is on its way.
        chunks = [];
        reject(bodyTooLarge(limit));
      }
    });
    request.once('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    const cut = (): void => {
      // Every request closes: an error has its price, also where nobody hears of it.
      if (!request.readableEnded) reject(new TallystickError('invalid_request', 'the body ended before its length'));
    };
    request.once('error', cut);
    request.once('close', cut);
  });
}

/** How much of a refused body is read and thrown away, in bytes, so that its sender gets to read the refusal. */
const DISCARD_LIMIT = 1_048_576;

/**
 * Lets the rest of a body flow away. To close at once instead would reset the connection under a client that still
 * writes, and lose the answer with it; to read on without an end would serve one that never stops.
 */
export function discardBody(request: IncomingMessage): void {
  let left = DISCARD_LIMIT;
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) request.destroy();
  });
  request.on('error', () => {});
}

/**
 * True for a request whose body, were it refused, could be more than is read of it. Its client must not take the
 * connection for one that goes on, so its answer has to close it.
 */
export function mayBeCut({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > DISCARD_LIMIT;
}

/**
 * Lets an answer that closes the connection close our half alone while the body of its request still comes. The other
 * half ends with the body, when {@link discardBody} has had enough, or when the time for the request is over.
 */
export function lingerFor(request: IncomingMessage): void {
  const { socket } = request;
  let isClosing = false;
  // What Node calls after such an answer. It would close both halves, under a client that still writes.
  socket.destroySoon = () => {
    isClosing = true;
    socket.end();
  };
  request.once('end', () => {
    Reflect.deleteProperty(socket, 'destroySoon');
    if (isClosing) socket.destroySoon();
  });
}
