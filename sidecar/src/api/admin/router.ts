import type { IncomingMessage, ServerResponse } from 'node:http';
import { holdsSecret } from '@tallystick/audit';
import { printable, TallystickError, type ErrorCode } from '@tallystick/core';
import type { Peer } from '../../listen/peer.ts';
import { errorFields, type Log } from '../../observe/log.ts';
import { errorAnswer, json, type Answer } from '../answer.ts';
import { readText } from '../body.ts';
import type { OperatorRecords } from '../../record/operator-records.ts';
import { operatorOf } from './operator.ts';
import type { AdminExchange, AdminRoute } from './route.ts';

/** The longest target of a command that is recorded, in characters. */
const MAX_TARGET = 256;

/** Handles one request of an operator; never throws. */
export type AdminHandler = (request: IncomingMessage, response: ServerResponse, peer: Peer) => Promise<void>;

/** Returns the handler of the admin socket. Who may connect has been decided by the socket. */
export function createAdminHandler(
  routes: readonly AdminRoute[],
  records: Pick<OperatorRecords, 'refused'>,
  log: Log,
): AdminHandler {
  const table = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]));
  /** One without a reason never was a command. */
  const recordRefusal = async (command: string, { peer, body }: AdminExchange, code: ErrorCode): Promise<void> => {
    const operator = await operatorOf(peer, body.reason).catch(() => undefined);
    if (!operator) return;
    await records.refused(command, targetOf(body), code, operator).catch((error: unknown) => {
      log.error('a refused command is not on record', { command, ...errorFields(error) });
    });
  };
  return async (request, response, peer) => {
    let answer: Answer;
    const route = table.get(`${request.method} ${request.url}`);
    let exchange: AdminExchange | undefined;
    try {
      if (!route) throw new TallystickError('route_unknown', 'there is no such admin route');
      const body = request.method === 'POST' ? readMembers(await readText(request, 'application/json')) : {};
      exchange = { peer, body };
      answer = json(await route.handle(exchange));
    } catch (error) {
      if (!TallystickError.is(error)) log.error('an admin request failed', errorFields(error));
      const refusal = TallystickError.is(error)
        ? error
        : new TallystickError('internal_error', 'the sidecar failed on this request');
      if (route?.command !== undefined && exchange) await recordRefusal(route.command, exchange, refusal.code);
      answer = errorAnswer(refusal);
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

/** What a command was about, as far as it may stand in the record. */
function targetOf({ id, identity, jkt }: AdminExchange['body']): string | null {
  const target = id ?? identity ?? jkt;
  return typeof target === 'string' && target !== '' && !holdsSecret(target) ? printable(target, MAX_TARGET) : null;
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
