import { TallystickError } from '@tallystick/core';
import type { PgPool, PgPoolClass } from './pg/driver.ts';
import { ConnectionPool, type LoginSource } from './pg/connection-pool.ts';
import { systemRuntime } from './runtime.ts';

export type { PgClient, PgPool, PgPoolClass } from './pg/driver.ts';
export type { LoginSource } from './pg/connection-pool.ts';

/** A pool whose connections follow a login: of the user's own `Pool`, what does not belong to one login alone. */
export type RotatingPool<P extends PgPool> = AsyncDisposable &
  Pick<P, 'connect' | 'query' | 'end' | 'on' | 'once' | 'off' | 'totalCount' | 'idleCount' | 'waitingCount'>;

/** The configuration of a pool of `pg`, without what the login says. */
export type RotatingPoolConfig<P extends PgPool, C> = Omit<C, LoginSetting> & {
  /** `Pool` of your `pg`, 8.11 or later. */
  readonly Pool: PgPoolClass<P, C>;
};

/** Settings of `pg` that would compete with the login. */
type LoginSetting = 'user' | 'password' | 'connectionString';
const LOGIN_SETTINGS: readonly LoginSetting[] = ['user', 'password', 'connectionString'];

/**
 * Returns a pool of PostgreSQL connections that log in by the credential `name`.
 *
 * New connections take the current login. Those of an older one are closed when they are given back, or at once where
 * they are idle, and at the latest when its lease ends. While both are there, up to twice `max` are open.
 * What a revocation or a suspension takes away is cut at once. A login that the database refuses is given up, and
 * another asked for, once. Keeps its login fresh from the first use until `end()`.
 *
 * @param config That of your `pg`, and its class `Pool`. No `user`, `password` or `connectionString`.
 * @throws {TallystickError} `invalid_request`: it says what the login says. `connect` and `query` reject with why there
 * is no login, or with what `pg` says.
 */
export function rotatingPool<P extends PgPool, C>(
  identity: LoginSource,
  name: string,
  config: RotatingPoolConfig<P, C>,
): RotatingPool<P> {
  const { Pool, ...settings } = config;
  const competing = LOGIN_SETTINGS.find((setting) => setting in settings);
  if (competing) {
    throw new TallystickError('invalid_request', `"${competing}" is what the login of "${name}" says`, {
      remedy: 'give host, port and database instead',
    });
  }
  const { clock, timers } = systemRuntime();
  const pool = new ConnectionPool({
    identity,
    name,
    clock,
    timers,
    // The password as a function: `pg` keeps its configuration where it can be printed.
    open: ({ username, password }) =>
      new Pool({ ...settings, user: username, password: () => password.reveal() } as unknown as C),
  });
  return pool as unknown as RotatingPool<P>;
}
