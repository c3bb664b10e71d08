import { randomBytes } from 'node:crypto';
import type { DatabaseCredential } from '@tallystick/core';
import { Client } from 'pg';
import type { Postgres } from '../../../../test/servers/postgres.ts';
import { databaseLogin } from './login-source.ts';

/** The administrator of a database: makes logins and drops them, as an upstream does. */
export class Roles {
  readonly #admin: Client;

  private constructor(admin: Client) {
    this.#admin = admin;
  }

  static async at(postgres: Postgres): Promise<Roles> {
    const admin = new Client({ connectionString: postgres.url });
    await admin.connect();
    return new Roles(admin);
  }

  /** Makes a login that may connect. */
  async make(livesMs?: number): Promise<DatabaseCredential> {
    const username = `login_${randomBytes(6).toString('hex')}`;
    const password = `canary-${randomBytes(6).toString('hex')}`;
    await this.#admin.query(`create role ${username} login password '${password}'`);
    return databaseLogin(username, password, livesMs);
  }

  async drop({ username }: DatabaseCredential): Promise<void> {
    await this.#admin.query(`drop role ${username}`);
  }

  /** How many connections a login has. */
  async connections({ username }: DatabaseCredential): Promise<number> {
    const { rows } = await this.#admin.query<{ open: number }>(
      'select count(*)::int as open from pg_stat_activity where usename = $1',
      [username],
    );
    return rows[0]!.open;
  }

  async close(): Promise<void> {
    await this.#admin.end();
  }
}
