import type { ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import { ERROR_CODES, TallystickError } from '@tallystick/core';
import { formatError } from '@tallystick/protocol';

/**
 * Answers a request with an error in the OAuth shape (RFC 6749 §5.2). An answer that has begun is cut off instead;
 * one that is complete is left alone.
 *
 * @param error A {@link TallystickError}; anything else is answered as `internal_error`, and nothing of it shown.
 * @param headers Further header fields, such as `Allow`.
 */
export function answerError(
  response: ServerResponse,
  error: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent) {
    if (!response.writableEnded) response.destroy();
    return;
  }
  const known = knownError(error);
  const body = JSON.stringify(formatError(known));
  response.writeHead(statusOf(known), { ...errorHeaders(known, body), ...headers });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** The same for a connection on which there is no request to answer: a whole HTTP message that also closes it. */
export function rawErrorAnswer(error: TallystickError): string {
  const status = statusOf(error);
  const body = JSON.stringify(formatError(error));
  const lines = Object.entries({ ...errorHeaders(error, body), connection: 'close' });
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    ...lines.map(([name, value]) => `${name}: ${value}`),
    '',
    body,
  ].join('\r\n');
}

function errorHeaders(error: TallystickError, body: string): Record<string, string> {
  return {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(error.retryAfterMs !== undefined && { 'retry-after': String(Math.ceil(error.retryAfterMs / 1000)) }),
  };
}

function statusOf(error: TallystickError): number {
  // 0 marks a code that is not meant to cross a socket: reaching here with one is a defect of ours.
  return ERROR_CODES[error.code].status || 500;
}

function knownError(error: unknown): TallystickError {
  return TallystickError.is(error)
    ? error
    : new TallystickError('internal_error', 'the sidecar failed on this request');
}
