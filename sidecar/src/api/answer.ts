import { ERROR_CODES, type TallystickError } from '@tallystick/core';
import { formatError, formatUpstreamProofAsk } from '@tallystick/protocol';
import { UpstreamProofAsked } from '../release/upstream-challenge.ts';

/** What a route answers. */
export interface Answer {
  readonly status: number;
  /** Media type of the body; empty without one. */
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Returns an answer with a JSON body. */
export function json(members: unknown, headers?: Record<string, string>): Answer {
  return { status: 200, type: 'application/json', body: JSON.stringify(members), ...(headers && { headers }) };
}

/** The answer to a removal: 204. */
export const NO_CONTENT: Answer = { status: 204, type: '', body: '' };

/** Returns the answer that an error is given as: the OAuth shape, on every route. */
export function errorAnswer(error: TallystickError): Answer {
  const { status } = ERROR_CODES[error.code];
  const headers: Record<string, string> = {};
  if (error.retryAfterMs !== undefined)
    headers['retry-after'] = String(Math.max(1, Math.ceil(error.retryAfterMs / 1000)));
  return {
    status: status === 0 ? 500 : status,
    type: 'application/json',
    body: JSON.stringify({
      ...formatError(error),
      ...(error instanceof UpstreamProofAsked && formatUpstreamProofAsk(error.ask)),
    }),
    headers,
  };
}
