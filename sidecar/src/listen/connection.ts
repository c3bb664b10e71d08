import type { ServerResponse } from 'node:http';
import type { Share } from './admission.ts';
import type { Exchange } from './exchanges.ts';

/** What a server keeps for one connection. */
export interface Connection<Client> {
  readonly client: Client;
  readonly share: Share;
  /** Requests without a complete answer; more than one where the client pipelines. Owned by {@link Exchanges}. */
  readonly open: Set<Exchange>;
  /** The response to the request that began last, also when that was refused. */
  latest: ServerResponse | undefined;
}

/**
 * True when an answer written to the connection now would be taken for the answer to the message that has just
 * failed: not while an earlier request waits for its own, nor when the failed one has been answered, nor after an
 * answer that closes the connection.
 */
export function mayAnswer(connection: Connection<unknown> | undefined): boolean {
  const latest = connection?.latest;
  if (isAnswered(connection)) return false;
  if (!connection || !latest || latest.req.complete) return !connection?.open.size;
  return connection.open.size <= 1 && !latest.headersSent;
}

/** True once an answer has been given that closes the connection. */
export function isAnswered(connection: Connection<unknown> | undefined): boolean {
  const latest = connection?.latest;
  return latest !== undefined && latest.headersSent && !latest.shouldKeepAlive;
}
