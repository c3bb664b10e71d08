import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Share } from './admission.ts';

/** What a server keeps for one connection. */
export interface Connection<Client> {
  readonly client: Client;
  readonly share: Share;
  /** Ends each exchange that has no complete answer yet; more than one where the client pipelines. */
  readonly open: Set<() => void>;
  /** The request that began last, also when it was refused. */
  latest: { readonly request: IncomingMessage; readonly response: ServerResponse } | undefined;
}

/**
 * True when an answer written to the connection now would be taken for the answer to the message that has just
 * failed: not while an earlier request waits for its own, nor when the failed one has been answered.
 */
export function mayAnswer(connection: Connection<unknown> | undefined): boolean {
  const latest = connection?.latest;
  if (!connection || !latest || latest.request.complete) return !connection?.open.size;
  return connection.open.size <= 1 && !latest.response.headersSent;
}
