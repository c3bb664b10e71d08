import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Peer } from '../../listen/peer.ts';
import type { RequestSpan } from '../../observe/request-span.ts';
import type { TraceMember } from '../../record/record.ts';
import type { Answer } from '../answer.ts';

/** One request on a workload socket. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly peer: Peer;
  /** The path, without a query: none is taken. */
  readonly path: string;
  /** The segment after a route that ends in `/`; empty otherwise. */
  readonly rest: string;
  /** The span of the caller, as it claims in `traceparent`; null when it names none. */
  readonly trace: TraceMember | null;
  readonly span: RequestSpan;
}

/** One route of the workload socket, in a file of its own; `routes.ts` lists them. */
export interface WorkloadRoute {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** One that ends in `/` takes one more segment. */
  readonly path: string;
  /** Returns the answer, or undefined where the route has taken over the response. */
  handle(exchange: Exchange): Promise<Answer | undefined> | Answer | undefined;
}
