import type { IncomingMessage, ServerResponse } from 'node:http';
import { TallystickError } from '@tallystick/core';
import type { Peer } from '../../listen/peer.ts';
import { errorFields, type Log } from '../../observe/log.ts';
import { errorAnswer, json, type Answer } from '../answer.ts';
import { readText } from '../body.ts';
import type { AdminRoute } from './route.ts';

/** Handles one request of an operator; never throws. */
export type AdminHandler = (request: IncomingMessage, response: ServerResponse, peer: Peer) => Promise<void>;

/** Returns the handler of the admin socket. Who may connect has been decided by the socket. */
export function createAdminHandler(routes: readonly AdminRoute[], log: Log): AdminHandler {
  const table = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]));
  return async (request, response, peer) => {
    let answer: Answer;
    try {
      const route = table.get(`${request.method} ${request.url}`);
      if (!route) throw new TallystickError('route_unknown', 'there is no such admin route');
      const body = request.method === 'POST' ? readMembers(await readText(request, 'application/json')) : {};
      answer = json(await route.handle({ peer, body }));
    } catch (error) {
      if (!TallystickError.is(error)) log.error('an admin request failed', errorFields(error));
      answer = errorAnswer(
        TallystickError.is(error) ? error : new TallystickError('internal_error', 'the sidecar failed on this request'),
      );
    }
    response.writeHead(answer.status, {
      'content-type': answer.type,
      'content-length': Buffer.byteLength(answer.body),
      'cache-control': 'no-store',
      ...answer.headers,
    });
    response.end(answer.body);
  };
}

function readMembers(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Refused below.
  }
  throw new TallystickError('invalid_request', 'the body is not a JSON object');
}
