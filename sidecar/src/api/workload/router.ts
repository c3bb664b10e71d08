import type { IncomingMessage, ServerResponse } from 'node:http';
import { ERROR_CODES, parseTraceparent, TallystickError, type Clock } from '@tallystick/core';
import { HEADERS } from '@tallystick/protocol';
import type { Peer } from '../../listen/peer.ts';
import { errorFields, type Log } from '../../observe/log.ts';
import type { Metrics } from '../../observe/metrics.ts';
import type { SidecarTelemetry } from '../../observe/sidecar-telemetry.ts';
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
  readonly telemetry: SidecarTelemetry;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly clock: Clock;
}

/** Handles one request; never throws. */
export type WorkloadHandler = (request: IncomingMessage, response: ServerResponse, peer: Peer) => Promise<void>;

/** Returns the handler of a workload socket: finds the route, and turns whatever happens into one answer. */
export function createWorkloadHandler(options: WorkloadHandlerOptions): WorkloadHandler {
  const { proofs, flood, telemetry, metrics, log, clock } = options;
  const table = new Map<string, Map<string, WorkloadRoute>>();
  for (const route of options.routes) {
    const methods = table.get(route.path) ?? new Map<string, WorkloadRoute>();
    if (methods.has(route.method)) throw new TypeError(`two routes are ${route.method} ${route.path}`);
    table.set(route.path, methods.set(route.method, route));
  }
  metrics.describe('tallystick_requests_total', 'counter', 'Requests on workload sockets, by route and outcome.');
  metrics.describe('tallystick_request_duration_seconds', 'histogram', 'Time to answer, by route.');
  metrics.describe('tallystick_denials_total', 'counter', 'Refusals of what an identity may not have, by reason.');

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
    const caller = parseTraceparent(request.headers.traceparent as string | undefined);
    const trace = caller ? { trace_id: caller.traceId, span_id: caller.spanId } : null;
    const span = telemetry.request(request.method ?? '', found?.name, caller);
    let answer: Answer | undefined;
    let refusal: TallystickError | undefined;
    try {
      if (!found) throw new TallystickError('route_unknown', 'there is no such route');
      const route = found.methods.get(request.method ?? '');
      if (!route) {
        throw Object.assign(new TallystickError('method_not_allowed', 'the route does not take this method'), {
          allow: [...found.methods.keys()].join(', '),
        });
      }
      answer = await route.handle({ request, response, peer, path, rest: found.rest, trace, span });
    } catch (error) {
      // A code without a status is not for a workload: it speaks of the sidecar's own disk or configuration.
      if (TallystickError.is(error) && ERROR_CODES[error.code].status !== 0) refusal = error;
      else {
        refusal = new TallystickError('internal_error', 'the sidecar failed on this request');
        log.error('a request failed', { route: name, ...errorFields(error) });
      }
      answer = errorAnswer(refusal);
      const { allow } = refusal as { allow?: string };
      if (allow !== undefined) answer = { ...answer, headers: { ...answer.headers, allow } };
      if (refusal instanceof Denial) metrics.count('tallystick_denials_total', { reason: refusal.facts.reason });
      else flood.refusal(peer.uid, refusal.code);
    }
    if (answer) send(response, answer, proofs.nonce());
    span.end(answer?.status ?? 200, refusal);
    metrics.count('tallystick_requests_total', { route: name, outcome: refusal?.code ?? 'ok' });
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
    // Neither has a body, and a length would speak of one.
    ...(status !== 204 && status !== 304 && { 'content-length': Buffer.byteLength(body) }),
    ...headers,
  });
  response.end(body);
}
