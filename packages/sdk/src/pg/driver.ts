/** A connection of `pg`, as a pool lends it: what is used of `PoolClient`. */
export interface PgClient {
  query(...args: never[]): unknown;
  /** Gives it back. Truthy: it is closed and forgotten instead. */
  release(destroy?: Error | boolean): void;
  /** Closes it, also under a query that runs: that one fails. */
  end(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
}

/** What is used of `Pool` of `pg` 8.11 and later. */
export interface PgPool {
  connect(): Promise<PgClient>;
  query(...args: never[]): unknown;
  end(): Promise<void>;
  on(event: never, listener: never): unknown;
  once(event: never, listener: never): unknown;
  off(event: never, listener: never): unknown;
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
}

/** The class `Pool` of `pg`, whose configuration is `C`. */
export type PgPoolClass<P extends PgPool, C> = new (config?: C) => P;

/** Names of the events of a pool that are passed on. */
export type PoolEvent = 'connect' | 'acquire' | 'release' | 'remove' | 'error';

/**
 * True where the server refused the login itself: unknown, wrong password, or past its `VALID UNTIL`
 * (PostgreSQL's error class 28, "Invalid Authorization Specification").
 */
export function isLoginRefused(error: unknown): boolean {
  const code: unknown = (error as { readonly code?: unknown } | undefined)?.code;
  return code === '28P01' || code === '28000';
}
