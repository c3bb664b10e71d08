import type { IncomingMessage } from 'node:http';
import { TallystickError } from '@tallystick/core';
import { readBody } from '../listen/body.ts';

/** The largest request body, in bytes. */
export const MAX_BODY_BYTES = 65_536;

/**
 * Returns a request's body as text.
 *
 * @param type The media type it must have.
 * @throws {TallystickError} `body_too_large`, `invalid_request`
 */
export async function readText(request: IncomingMessage, type: string): Promise<string> {
  const given = request.headers['content-type']?.split(';', 1)[0]!.trim().toLowerCase();
  if (given !== type) throw new TallystickError('invalid_request', `the body must be ${type}`);
  if (request.headers['content-encoding'] !== undefined) {
    throw new TallystickError('invalid_request', 'the body must not be encoded');
  }
  return (await readBody(request, MAX_BODY_BYTES)).toString('utf8');
}

/**
 * Returns the `token` of a form (RFC 7009 §2.1, RFC 7662 §2.1). Other parameters are ignored.
 *
 * @throws {TallystickError} As {@link readText}; `invalid_request`: it is missing or given twice.
 */
export async function readTokenForm(request: IncomingMessage): Promise<string> {
  const [token, another] = new URLSearchParams(await readText(request, FORM)).getAll('token');
  if (!token || another !== undefined) throw new TallystickError('invalid_request', '"token" must be given once');
  return token;
}

/** The media type of what OAuth does not know. */
export const JSON_TYPE = 'application/json';

/** The media type of OAuth requests. */
export const FORM = 'application/x-www-form-urlencoded';
