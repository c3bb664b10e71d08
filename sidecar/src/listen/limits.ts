/** What one listener grants to all of its clients, and to each. All at the limit is refused, nothing is queued. */
export interface Limits {
  /** Bytes of request line and header fields. */
  readonly headerBytes: number;
  /** Number of header fields. */
  readonly headerFields: number;
  readonly bodyBytes: number;
  /** Until the header is complete, from the connection or the end of the request before. */
  readonly headerMs: number;
  /** Until the body is complete, from the same start. */
  readonly requestMs: number;
  /** Between two requests of one connection; announced in `Keep-Alive`. */
  readonly idleMs: number;
  /** During which a client takes nothing of its answer. */
  readonly stallMs: number;
  readonly connections: number;
  readonly connectionsPerClient: number;
  /** Requests whose answer is not complete. Open event streams do not count. */
  readonly requests: number;
  readonly requestsPerClient: number;
  /** Connections, and requests, of all strangers together: clients that can be no workload. They take them from the above. */
  readonly strangers: number;
  /** Connections, and requests, of one stranger. */
  readonly strangersPerClient: number;
}

/**
 * The limits of the workload sockets together. A client is a user on one socket: a thousand concurrent first calls of
 * one service fit, and one service cannot take it all. Users that no identity selects, of whom there may be any number,
 * have a small part in common: an API that reads keys needs one connection, and services keep the rest.
 */
export const WORKLOAD_LIMITS: Limits = {
  headerBytes: 16_384,
  headerFields: 64,
  bodyBytes: 65_536,
  headerMs: 5_000,
  requestMs: 15_000,
  idleMs: 60_000,
  stallMs: 30_000,
  connections: 4_096,
  connectionsPerClient: 2_048,
  requests: 2_048,
  requestsPerClient: 1_024,
  strangers: 512,
  strangersPerClient: 64,
};

/** The limits of the admin socket. */
export const ADMIN_LIMITS: Limits = {
  ...WORKLOAD_LIMITS,
  connections: 64,
  connectionsPerClient: 32,
  requests: 64,
  requestsPerClient: 32,
};

/** The limits of a TCP listener. A client is an address. It takes no body. */
export const TCP_LIMITS: Limits = {
  ...WORKLOAD_LIMITS,
  bodyBytes: 0,
  connections: 1_024,
  connectionsPerClient: 512,
  requests: 1_024,
  requestsPerClient: 512,
};
