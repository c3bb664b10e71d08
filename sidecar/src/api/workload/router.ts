import type { IncomingMessage, ServerResponse } from 'node:http';
import { ERROR_CODES, TallystickError, type Clock } from '@tallystick/core';
import { HEADERS } from '@tallystick/protocol';
import type { Peer } from '../../listen/peer.ts';
import { errorFields, type Log } from '../../observe/log.ts';
import type { Metrics } from '../../observe/metrics.ts';
import type { RequestTracing } from '../../observe/request-span.ts';
import type { FloodGate } from '../../record/flood.ts';
import { Denial } from '../../release/denial.ts';
import type { ProofGate } from '../../release/proof-gate.ts';
import { errorAnswer, type Answer } from '../answer.ts';
import type { WorkloadRoute } from './route.ts';

/** The inputs of {@link createWorkloadHandler}. */
export interface WorkloadHandlerOptions {
  readonly routes: readonly WorkloadRoute[];
  readonly proofs: ProofGate;
  readonly flood: FloodGate;
  readonly tracing: RequestTracing;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly clock: Clock;
}

/** Handles one request; never throws. */
export type WorkloadHandler = (request: IncomingMessage, response: ServerResponse, peer: Peer) => Promise<void>;

/** Returns the handler of a workload socket: finds the route, and turns whatever happens into one answer. */
export function createWorkloadHandler(options: WorkloadHandlerOptions): WorkloadHandler {
  const { proofs, flood, tracing, metrics, log, clock } = options;
  const table = new Map<string, Map<string, WorkloadRoute>>();
  for (const route of options.routes) {
    const methods = table.get(route.path) ?? new Map<string, WorkloadRoute>();
    if (methods.has(route.method)) throw new TypeError(`two routes are ${route.method} ${route.path}`);
    table.set(route.path, methods.set(route.method, route));
  }
  metrics.describe('tallystick_requests_total', 'counter', 'Requests on workload sockets, by route and outcome.');
  metrics.describe('tallystick_request_duration_seconds', 'histogram', 'Time to answer, by route.');

  const find = (path: string): { methods: Map<string, WorkloadRoute>; rest: string; name: string } | undefined => {
    const exact = path.endsWith('/') ? undefined : table.get(path);
    if (exact) return { methods: exact, rest: '', name: path };
    const slash = path.lastIndexOf('/') + 1;
    const methods = table.get(path.slice(0, slash));
    const rest = path.slice(slash);
    return methods && rest !== '' && slash > 1 ? { methods, rest, name: path.slice(0, slash) } : undefined;
  };

  return async (request, response, peer) => {
    const startMs = clock.monotonicMs();
    const path = request.url ?? '';
    const found = find(path);
    const name = found?.name ?? 'unknown';
    const span = tracing.start(request.method ?? '', name, request.headers.traceparent as string | undefined);
    let answer: Answer | undefined;
    let code: string | undefined;
    try {
      if (!found) throw new TallystickError('route_unknown', 'there is no such route');
      const route = found.methods.get(request.method ?? '');
      if (!route) {
        throw Object.assign(new TallystickError('method_not_allowed', 'the route does not take this method'), {
          allow: [...found.methods.keys()].join(', '),
        });
      }
      answer = await route.handle({ request, response, peer, path, rest: found.rest, span });
    } catch (error) {
      let refused = new TallystickError('internal_error', 'the sidecar failed on this request');
      // A code without a status is not for a workload: it speaks of the sidecar's own disk or configuration.
      if (TallystickError.is(error) && ERROR_CODES[error.code].status !== 0) refused = error;
      else log.error('a request failed', { route: name, ...errorFields(error) });
      code = refused.code;
      answer = errorAnswer(refused);
      const { allow } = refused as { allow?: string };
      if (allow !== undefined) answer = { ...answer, headers: { ...answer.headers, allow } };
      if (!(refused instanceof Denial)) flood.refusal(peer.uid, refused.code);
    }
    if (answer) send(response, answer, proofs.nonce());
    span.end(answer?.status ?? 200, code);
    metrics.count('tallystick_requests_total', { route: name, outcome: code ?? 'ok' });
    metrics.observe('tallystick_request_duration_seconds', (clock.monotonicMs() - startMs) / 1000, { route: name });
  };
}

function send(response: ServerResponse, { status, type, body, headers }: Answer, nonce: string): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, {
    [HEADERS.nonce]: nonce,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(type !== '' && { 'content-type': type }),
    ...(status !== 204 && { 'content-length': Buffer.byteLength(body) }),
    ...headers,
  });
  response.end(body);
}
