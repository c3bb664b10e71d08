import type { IncomingMessage } from 'node:http';
import { TallystickError } from '@tallystick/core';

/** The largest request body, in bytes. */
export const MAX_BODY_BYTES = 65_536;

/**
 * Returns the bytes of a request's body.
 *
 * @param type The media type it must have.
 * @throws {TallystickError} `body_too_large`, `invalid_request`
 */
export async function readBody(request: IncomingMessage, type: string): Promise<Buffer> {
  const given = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (given !== type) throw new TallystickError('invalid_request', `the body must be ${type}`);
  if (request.headers['content-encoding'] !== undefined) {
    throw new TallystickError('invalid_request', 'the body must not be encoded');
  }
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > MAX_BODY_BYTES) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (TallystickError.is(error)) throw error;
    throw new TallystickError('invalid_request', 'the body ended early', { cause: error });
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

function tooLarge(): TallystickError {
  return new TallystickError('body_too_large', `the body is longer than ${MAX_BODY_BYTES} bytes`);
}
