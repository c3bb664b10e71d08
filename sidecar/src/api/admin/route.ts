import type { Peer } from '../../listen/peer.ts';

/** One request on the admin socket. */
export interface AdminExchange {
  readonly peer: Peer;
  /** Members of the JSON body; empty without one. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** One route of the admin socket. It answers with JSON. */
export interface AdminRoute {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** The command that it serves, where that changes something: one that was refused is on record then. */
  readonly command?: string;
  handle(exchange: AdminExchange): unknown;
}
