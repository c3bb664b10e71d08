// A service that prints whatever it can get hold of of its credentials, but for the secrets that it opens: of
// those it tells the test on descriptor 3. It does what the lines of its standard input say, and answers each with one JSON line.
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Secret, type Credential, type CredentialType } from '@tallystick/core';
import { connect, withBusinessProcess } from '@tallystick/sdk';
import { rotatingPool } from '@tallystick/sdk/pg';
import pg from 'pg';
import { show } from './show.ts';

/** What a line of standard input asks for, beside its number `n`. */
export type Order =
  | { readonly do: 'take'; readonly credential: string; readonly type: CredentialType }
  | { readonly do: 'release'; readonly credential: string }
  | { readonly do: 'call'; readonly url: string }
  | { readonly do: 'query' | 'close' };

const [, , tokenEndpoint, host, port, database] = process.argv as [string, string, string, string, string, string];
const identity = await connect({ authorizationServers: [tokenEndpoint] });
const pool = rotatingPool(identity, 'ledger-db', { Pool: pg.Pool, host, port: Number(port), database, max: 1 });
const held = new Map<string, Credential>();
show('identity', identity);
process.stdout.write(`${JSON.stringify({ event: 'connected' })}\n`);

for await (const line of createInterface({ input: process.stdin })) {
  const { n, ...order } = JSON.parse(line) as Order & { readonly n: number };
  const outcome = await withBusinessProcess({ id: 'BP-1042' }, () => obey(order)).catch((error: unknown) => {
    show('error', error);
    return (error as { code?: string }).code ?? String(error);
  });
  process.stdout.write(`${JSON.stringify({ n, outcome })}\n`);
  if (order.do === 'close') break;
}
process.stdin.destroy();

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'take': {
      const credential = await identity.credential(order.credential, order.type);
      show('credential', credential);
      tellSecretsOf(credential);
      held.set(order.credential, credential);
      return credential.leaseId;
    }
    case 'release': {
      await identity.release(held.get(order.credential)!);
      return 'released';
    }
    case 'call': {
      const response = await identity.fetch(order.url, { method: 'POST', body: '{}' });
      show('response', response);
      return response.status;
    }
    case 'query': {
      const result = await pool.query<{ one: number }>('select 1 as one');
      show('pool', pool);
      return result.rows[0]!.one;
    }
    case 'close':
      await pool.end();
      await identity.close();
      show('closed identity', identity);
      return 'closed';
  }
}

function tellSecretsOf(credential: Credential): void {
  const secrets = Object.values('values' in credential ? credential.values : credential) as unknown[];
  for (const secret of secrets) {
    if (!(secret instanceof Secret)) continue;
    const text = secret.reveal();
    // Of a key that was made here the test is told when it is made.
    if (!text.startsWith('-----BEGIN')) writeSync(3, `${JSON.stringify({ opened: text })}\n`);
  }
}
