// A service that queries its database all along by a login of its lease, until it is told to leave. It lives on then:
// nobody learns from its end that it has left.
import { createInterface } from 'node:readline';
import { connect } from '@tallystick/sdk';
import { rotatingPool } from '@tallystick/sdk/pg';
import pg from 'pg';

const [, , socket, host, port, database] = process.argv as [string, string, string, string, string, string];
const PAUSE_MS = 10;
const identity = await connect({ socket });
const pool = rotatingPool(identity, 'ledger-db', { Pool: pg.Pool, host, port: Number(port), database, max: 1 });
const login = await identity.credential('ledger-db', 'database');
const failures: string[] = [];
let queries = 0;
let isLeaving = false;

const traffic = (async () => {
  while (!isLeaving) {
    try {
      await pool.query('select 1');
      queries++;
    } catch (error) {
      failures.push(String(error));
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
})();
const tell = (what: string): void =>
  console.log(JSON.stringify({ told: what, leaseId: login.leaseId, queries, failures }));

tell('holds');
for await (const order of createInterface({ input: process.stdin })) {
  if (order === 'release' || order === 'close') {
    isLeaving = true;
    await traffic;
    await pool.end();
    await (order === 'release' ? identity.release(login) : identity.close());
  }
  tell(order);
}
