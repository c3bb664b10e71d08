import { EventEmitter } from 'node:events';
import { callbackify } from 'node:util';
import { TallystickError, type Clock, type DatabaseCredential, type Timers } from '@tallystick/core';
import type { Identity } from '../identity.ts';
import { outside } from '../outside.ts';
import { isLoginRefused, type PgClient, type PgPool, type PoolEvent } from './driver.ts';
import { LoginPool } from './login-pool.ts';

/** What is used of an identity. */
export type LoginSource = Pick<Identity, 'credential' | 'watch' | 'release'>;

/** What a {@link ConnectionPool} is made of. */
export interface ConnectionPoolOptions {
  readonly identity: LoginSource;
  /** The credential's name in the sidecar's configuration. */
  readonly name: string;
  /** Returns a pool that connects by `login`. */
  readonly open: (login: DatabaseCredential) => PgPool;
  readonly clock: Clock;
  readonly timers: Timers;
}

type Callback = (error: Error | undefined, ...results: unknown[]) => void;

/** A pool that lends connections of the login that is good now: one pool of `pg` for each login, in turn. */
export class ConnectionPool extends EventEmitter implements AsyncDisposable {
  readonly #options: ConnectionPoolOptions;
  #closed = false;
  /** All that have connections, the newest last. */
  readonly #pools = new Set<LoginPool>();
  #current: LoginPool | undefined;
  /** Ends the watch that runs. */
  #watch: AbortController | undefined;
  /** A refused login on its way back to the sidecar, which would give it again until it is there. */
  #returning: Promise<void> | undefined;
  /** A login was refused by the database, and none that came after it was accepted. */
  #refused = false;
  #ended: Promise<void> | undefined;

  constructor(options: ConnectionPoolOptions) {
    super();
    this.#options = options;
  }

  get totalCount(): number {
    return this.#count('totalCount');
  }

  get idleCount(): number {
    return this.#count('idleCount');
  }

  get waitingCount(): number {
    return this.#count('waitingCount');
  }

  connect(callback?: Callback): Promise<PgClient> | undefined {
    if (!callback) return this.#connect();
    callbackify(() => this.#connect())((error, client) => {
      callback(error ?? undefined, client, (destroy?: Error | boolean) => client?.release(destroy));
    });
    return undefined;
  }

  query(...args: unknown[]): Promise<unknown> | undefined {
    const callback = typeof args.at(-1) === 'function' ? (args.pop() as Callback) : undefined;
    if (!callback) return this.#query(args);
    callbackify(() => this.#query(args))((error, result) => callback(error ?? undefined, result));
    return undefined;
  }

  end(callback?: () => void): Promise<void> | undefined {
    const ended = (this.#ended ??= this.#end());
    if (!callback) return ended;
    callbackify(() => ended)(() => callback());
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  async #connect(): Promise<PgClient> {
    for (;;) {
      const pool = await this.#poolOfCurrentLogin();
      try {
        const client = await pool.connect();
        // None came: the login was replaced meanwhile.
        if (!client) continue;
        this.#refused = false;
        return client;
      } catch (error) {
        if (!isLoginRefused(error) || !(await this.#giveUp(pool))) throw error;
      }
    }
  }

  /** As the pool of `pg` does it, whose own would not come back for another login. */
  async #query(args: unknown[]): Promise<unknown> {
    const client = await this.#connect();
    let failed: Error | undefined;
    // A connection that breaks fails its query, and tells so in an event that must be heard.
    const onError = (error: Error): void => void (failed = error);
    client.on('error', onError);
    try {
      return await new Promise((resolve, reject) => {
        const done: Callback = (error, result) => (error ? reject(error) : resolve(result));
        (client.query as (...all: unknown[]) => unknown).call(client, args[0], args[1], done);
      });
    } catch (error) {
      failed = error as Error;
      throw error;
    } finally {
      client.off('error', onError);
      client.release(failed);
    }
  }

  async #poolOfCurrentLogin(): Promise<LoginPool> {
    await this.#returning;
    this.#requireOpen();
    if (!this.#watch) void outside(() => this.#follow());
    const login = await this.#options.identity.credential(this.#options.name, 'database');
    this.#requireOpen();
    return this.#poolOf(login);
  }

  /** Changes to each newer login as soon as it is there, also while nobody asks for a connection. */
  async #follow(): Promise<void> {
    const { identity, name } = this.#options;
    const watch = (this.#watch = new AbortController());
    try {
      for await (const login of identity.watch(name, 'database', { signal: watch.signal })) this.#poolOf(login);
      // The identity was closed, and lets go of its logins.
      this.#current?.retire();
    } catch (error) {
      if (watch.signal.aborted) return;
      // What was taken away is not used any more, on open connections neither.
      if (!TallystickError.is(error) || !error.retryable) for (const pool of this.#pools) pool.cut();
    } finally {
      if (this.#watch === watch) this.#watch = undefined;
    }
  }

  #poolOf(login: DatabaseCredential): LoginPool {
    const current = this.#current;
    if (current?.serves(login)) return current;
    const { open, clock, timers } = this.#options;
    const inner = open(login);
    this.#passOn(inner);
    const pool = new LoginPool(inner, login, { clock, timers });
    this.#pools.add(pool);
    void pool.ended.then(() => this.#pools.delete(pool));
    this.#current = pool;
    current?.retire();
    return pool;
  }

  /**
   * Lets go of a login that the database refused. Returns true where another may be had: once, until one is accepted,
   * or a database that refuses everybody would have a login made for each attempt.
   */
  async #giveUp(pool: LoginPool): Promise<boolean> {
    if (this.#current !== pool) return true;
    if (this.#refused) return false;
    this.#refused = true;
    this.#current = undefined;
    this.#stopWatching();
    // Whether that arrives or not: the SDK has dropped it, and whoever asks next hears why there is none.
    this.#returning = this.#options.identity.release(pool.login).catch(() => {});
    pool.retire();
    await this.#returning;
    this.#returning = undefined;
    return true;
  }

  #passOn(pool: PgPool): void {
    const heard = pool as unknown as { on(event: PoolEvent, listener: (...args: unknown[]) => void): unknown };
    for (const event of ['connect', 'acquire', 'release', 'remove'] as const) {
      heard.on(event, (...args) => this.emit(event, ...args));
    }
    // An idle connection that broke is replaced at the next use: no reason to end a program that does not listen.
    heard.on('error', (...args) => this.listenerCount('error') > 0 && this.emit('error', ...args));
  }

  #stopWatching(): void {
    this.#watch?.abort();
    this.#watch = undefined;
  }

  #requireOpen(): void {
    if (this.#closed) throw new Error('Cannot use a pool after calling end on the pool');
  }

  #count(which: 'totalCount' | 'idleCount' | 'waitingCount'): number {
    let sum = 0;
    for (const pool of this.#pools) sum += pool.counts[which];
    return sum;
  }

  async #end(): Promise<void> {
    this.#closed = true;
    this.#stopWatching();
    const pools = [...this.#pools];
    for (const pool of pools) pool.retire();
    await Promise.all(pools.map((pool) => pool.ended));
  }
}
