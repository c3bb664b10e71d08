import type { Identity } from '@tallystick/sdk';
import { rotatingPool } from '@tallystick/sdk/pg';
import pg from 'pg';
import type { Entry, Journal } from './journal.ts';

/** Returns the journal in a PostgreSQL, by the logins of the credential `ledger-db`. */
export function databaseJournal(identity: Identity, { hostname, port, pathname }: URL): Journal {
  const pool = rotatingPool(identity, 'ledger-db', {
    Pool: pg.Pool,
    host: hostname,
    port: Number(port || 5432),
    database: pathname.slice(1),
  });
  return {
    async entry(number) {
      const { rows } = await pool.query<Entry>('select number, debit, credit, cents from journal where number = $1', [
        number,
      ]);
      if (!rows[0]) throw new Error(`the journal has no entry ${number}`);
      return rows[0];
    },
    async posted(number) {
      await pool.query('update journal set posted_by = current_user where number = $1', [number]);
    },
    close: () => pool.end(),
  };
}
