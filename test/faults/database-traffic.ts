import { inspect } from 'node:util';
import { TallystickError } from '@tallystick/core';
import type { Identity } from '@tallystick/sdk';
import type { RotatingPool } from '@tallystick/sdk/pg';
import type pg from 'pg';

/** A call of the service that failed. */
export interface FailedCall {
  readonly call: 'login' | 'query';
  readonly code: string;
  /** Why it could not but fail; undefined: it should not have. */
  readonly excuse: string | undefined;
  /** Since the traffic began. */
  readonly atMs: number;
}

/** What a service with a database does all along, and what became of it. */
export interface DatabaseTraffic {
  /** How many queries were answered. */
  readonly queries: number;
  readonly failures: readonly FailedCall[];
  /** All that the errors show, each once. */
  readonly said: ReadonlySet<string>;
  /** Logins that were given, or queried by, after the instant until which they were good. */
  readonly expired: readonly string[];
  /** How many logins there have been. */
  readonly logins: number;
  /** Runs something during which queries may fail. */
  during(excuse: string, run: () => Promise<unknown>): Promise<void>;
  /** Resolves when nothing good has been held for a call, and what was held last is past its end. */
  withoutLogin(): Promise<void>;
  /** Resolves when so many queries were answered under a login that none has been under before. */
  recovered(queries?: number): Promise<void>;
  /** Resolves when the last call is over. */
  stop(): Promise<void>;
}

/** The SDK uses nothing in its last second, and says when that is in whole seconds. */
const MARGIN_MS = 2000;
const PAUSE_MS = 25;
const WORKERS = 3;

/** Begins to ask for the login `name`, and to query by `pool`, which rotates with it. */
export function startDatabaseTraffic(identity: Identity, name: string, pool: RotatingPool<pg.Pool>): DatabaseTraffic {
  const begunMs = Date.now();
  const failures: FailedCall[] = [];
  const said = new Set<string>();
  const expired: string[] = [];
  /** Until when each login was said to be good. A lease that is extended moves that. */
  const until = new Map<string, number>();
  const queriedBy = new Map<string, number>();
  const looks = new Set<() => void>();
  let queries = 0;
  let excused: string | undefined;
  let heldUntilMs = 0;
  let isStopped = false;

  const ask = async (): Promise<void> => {
    const login = await identity.credential(name, 'database');
    const expiresAtMs = login.expiresAt.getTime();
    if (Date.now() >= expiresAtMs) expired.push(`${login.username} was given`);
    until.set(login.username, expiresAtMs);
    heldUntilMs = expiresAtMs;
  };
  const query = async (): Promise<void> => {
    const sentMs = Date.now();
    const { rows } = await pool.query<{ user: string }>('select current_user as user');
    const { user } = rows[0]!;
    if (sentMs >= (until.get(user) ?? Infinity)) expired.push(`${user} was used`);
    queriedBy.set(user, (queriedBy.get(user) ?? 0) + 1);
    queries++;
  };
  const attempt = async (call: FailedCall['call'], run: () => Promise<void>): Promise<void> => {
    const atFirst = call === 'query' ? excused : undefined;
    try {
      await run();
    } catch (error) {
      const nothingHeld = Date.now() > heldUntilMs - MARGIN_MS ? 'no login' : undefined;
      const excuse = atFirst ?? (call === 'query' ? excused : undefined) ?? nothingHeld;
      said.add(inspect(error, { depth: Infinity, showHidden: true }));
      failures.push({ call, code: codeOf(error), excuse, atMs: Date.now() - begunMs });
    }
    for (const look of looks) look();
  };
  const work = async (): Promise<void> => {
    while (!isStopped) {
      await attempt('login', ask);
      await attempt('query', query);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  };
  const running = Promise.all(Array.from({ length: WORKERS }, work));
  const when = async (holds: () => boolean): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => void (holds() && resolve());
    looks.add(look);
    look();
    await promise;
    looks.delete(look);
  };

  return {
    get queries() {
      return queries;
    },
    get logins() {
      return queriedBy.size;
    },
    failures,
    said,
    expired,
    async during(excuse, run) {
      excused = excuse;
      await run();
      excused = undefined;
    },
    withoutLogin() {
      const { length } = failures;
      return when(
        () => Date.now() >= heldUntilMs && failures.slice(length).some(({ excuse }) => excuse === 'no login'),
      );
    },
    recovered(count = 10) {
      const before = new Set(queriedBy.keys());
      return when(() => [...queriedBy].some(([user, number]) => !before.has(user) && number >= count));
    },
    async stop() {
      isStopped = true;
      await running;
    },
  };
}

function codeOf(error: unknown): string {
  if (TallystickError.is(error)) return error.code;
  const { code, message } = error as { code?: unknown; message?: unknown };
  return typeof code === 'string' ? code : String(message);
}
