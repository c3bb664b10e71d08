import type { Clock, DatabaseCredential, Timer, Timers } from '@tallystick/core';
import type { PgClient, PgPool, PoolEvent } from './driver.ts';

/** The pool as its events are heard, whatever the names of their arguments are in its own types. */
interface Heard {
  on(event: PoolEvent, listener: (...args: unknown[]) => void): unknown;
}

/**
 * The connections of one login.
 *
 * Lives from the first use of the login until its last connection is closed. Retired, it lends no more: idle
 * connections are closed at once, lent ones when they are given back. What is still lent when the login ends is cut.
 */
export class LoginPool {
  readonly ended: Promise<void>;
  readonly #pool: PgPool;
  readonly #time: { readonly clock: Clock; readonly timers: Timers };
  readonly #lent = new Set<PgClient>();
  /** Tells each one who waits for a connection that there will be none. */
  readonly #waiting = new Set<() => void>();
  #login: DatabaseCredential;
  #deadline: Timer | undefined;
  #retired = false;
  #end!: () => void;

  constructor(pool: PgPool, login: DatabaseCredential, time: { readonly clock: Clock; readonly timers: Timers }) {
    this.#pool = pool;
    this.#login = login;
    this.#time = time;
    this.ended = new Promise((resolve) => (this.#end = resolve));
    const heard = pool as unknown as Heard;
    heard.on('acquire', (client) => this.#lent.add(client as PgClient));
    heard.on('release', (_error, client) => this.#lent.delete(client as PgClient));
    heard.on('remove', (client) => this.#lent.delete(client as PgClient));
    this.#arm();
  }

  get login(): DatabaseCredential {
    return this.#login;
  }

  get counts(): Pick<PgPool, 'totalCount' | 'idleCount' | 'waitingCount'> {
    return this.#pool;
  }

  /**
   * True where connections of this pool are those of `login`, which then says until when they may live. A lease that
   * was renewed, or a new lease of a login that stays, needs no new connections.
   */
  serves(login: DatabaseCredential): boolean {
    if (this.#retired || login.username !== this.#login.username) return false;
    if (login.password.reveal() !== this.#login.password.reveal()) return false;
    if (login !== this.#login) {
      this.#login = login;
      this.#arm();
    }
    return true;
  }

  /**
   * Lends a connection; undefined where the pool is, or is meanwhile, retired.
   *
   * @throws What `pg` throws where it cannot connect.
   */
  connect(): Promise<PgClient | undefined> {
    if (this.#retired) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const giveUp = (): void => resolve(undefined);
      this.#waiting.add(giveUp);
      this.#pool.connect().then(
        (client) => (this.#waiting.delete(giveUp) ? resolve(client) : client.release(true)),
        (error: Error) => this.#waiting.delete(giveUp) && reject(error),
      );
    });
  }

  /** Lends no more, and ends when the last connection is given back. */
  retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    for (const giveUp of this.#waiting) giveUp();
    this.#waiting.clear();
    // It forgets who waits in it, closes what is idle, and the rest as that is given back.
    this.#pool
      .end()
      .catch(() => {})
      .finally(() => {
        this.#deadline?.cancel();
        this.#end();
      });
  }

  /** Retires it and closes what is lent: queries that run fail. */
  cut(): void {
    this.retire();
    for (const client of this.#lent) client.end().catch(() => {});
    this.#lent.clear();
  }

  #arm(): void {
    const { clock, timers } = this.#time;
    this.#deadline?.cancel();
    this.#deadline = timers.after(this.#login.expiresAt.getTime() - clock.nowMs() - MARGIN_MS, () => this.cut());
  }
}

/** Before the end: what ends the login upstream has a clock of its own. The SDK stops handing it out a second before. */
const MARGIN_MS = 500;
