import { Secret, type CredentialOf, type CredentialType, type DatabaseCredential } from '@tallystick/core';
import type { LoginSource } from '../../src/pg.ts';

/** An identity whose one login is what a test says. */
export class TestLogins implements LoginSource {
  readonly released: string[] = [];
  watches = 0;
  /** What comes of giving a login back. */
  onRelease: () => Promise<void> | void = () => {};
  #login: DatabaseCredential | undefined;
  #gone: Error | undefined;
  #closed = false;
  #changed = Promise.withResolvers<void>();

  /** The login from now on. */
  put(login: DatabaseCredential): void {
    [this.#login, this.#gone] = [login, undefined];
    this.#wake();
  }

  /** Takes it away for `reason`, as a revocation or a suspension does. */
  take(reason: Error): void {
    [this.#login, this.#gone] = [undefined, reason];
    this.#wake();
  }

  close(): void {
    this.#closed = true;
    this.take(new Error('closed'));
  }

  async credential<K extends CredentialType>(): Promise<CredentialOf<K>> {
    if (!this.#login) throw this.#gone ?? new Error('no login was put');
    return this.#login as CredentialOf<K>;
  }

  async *watch<K extends CredentialType>(
    _name: string,
    _type: K,
    { signal }: { signal?: AbortSignal } = {},
  ): AsyncGenerator<CredentialOf<K>> {
    this.watches++;
    try {
      const aborted = new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()));
      for (let last: DatabaseCredential | undefined; !this.#closed;) {
        signal?.throwIfAborted();
        if (this.#gone) throw this.#gone;
        if (this.#login !== last) yield (last = this.#login) as CredentialOf<K>;
        else await Promise.race([this.#changed.promise, aborted]);
      }
    } finally {
      this.watches--;
    }
  }

  async release(credential: DatabaseCredential): Promise<void> {
    this.released.push(credential.username);
    await this.onRelease();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** Returns a snapshot of a login. */
export function databaseLogin(username: string, password: string, livesMs = 3_600_000): DatabaseCredential {
  return {
    name: 'ledger-db',
    type: 'database',
    binding: 'none',
    delivery: 'sealed',
    leaseId: `ls_${username}`,
    rotateAt: new Date(Date.now() + livesMs / 2),
    expiresAt: new Date(Date.now() + livesMs),
    username,
    password: new Secret(password),
  };
}
