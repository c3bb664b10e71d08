// A service with a rotating pool, a daemon, Vault's database engine and PostgreSQL, all as processes of their own.
import { connect, type Identity } from '@tallystick/sdk';
import { rotatingPool, type RotatingPool } from '@tallystick/sdk/pg';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { command } from '../daemon/command.ts';
import { SERVICE, type Daemon } from '../daemon/daemon.ts';
import { startDaemonOnVault } from '../daemon/daemon-on-vault.ts';
import { startFurnishedVault, type FurnishedVault } from '../interop/vault/furnished-vault.ts';
import { describeWithServers } from '../servers/require-server.ts';

/** How long a login lives: it is replaced at half of that. */
const LEASE = '4s';

describeWithServers(['vault', 'postgres'], 'a pool of logins that Vault makes', () => {
  let vault: FurnishedVault;
  let daemon: Daemon;
  let identity: Identity;
  let admin: pg.Client;

  beforeAll(async () => {
    vault = await startFurnishedVault();
    admin = new pg.Client({ connectionString: vault.postgres.url });
    await admin.connect();
    await vault.call('POST', 'database/roles/ledger-writer', {
      db_name: 'ledger',
      creation_statements: [`CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`],
      default_ttl: LEASE,
      max_ttl: LEASE,
    });
    daemon = await startDaemonOnVault(vault, { credential: 'ledger-db', role: 'ledger-writer', lease: LEASE });
    identity = await connect({ socket: daemon.socket });
  });
  afterAll(async () => {
    await identity?.close();
    await daemon?.[Symbol.asyncDispose]();
    await admin?.end();
    await vault?.stop();
  });

  const opened = (): RotatingPool<pg.Pool> => {
    const { host, port, database } = vault.postgres;
    return rotatingPool(identity, 'ledger-db', { Pool: pg.Pool, host, port, database });
  };
  const user = async (from: Pick<pg.PoolClient, 'query'>): Promise<string> => {
    const { rows } = await from.query<{ user: string }>('select current_user as user');
    return rows[0]!.user;
  };
  /** Logins that PostgreSQL has, of all that Vault made there for the service. */
  const logins = async (): Promise<string[]> => {
    const { rows } = await admin.query<{ name: string }>(
      `select rolname as name from pg_roles where rolname like 'ls-%'`,
    );
    return rows.map(({ name }) => name);
  };

  test('fails no query while logins come and go, and leaves none of them behind', async () => {
    await using pool = opened();
    const users = new Set<string>();
    while (users.size < 3) for (const each of await Promise.all([user(pool), user(pool), user(pool)])) users.add(each);
    const older = [...users].slice(0, 2);
    const left = async () => (await logins()).filter((name) => older.includes(name));
    await expect.poll(left, { timeout: 15_000 }).toEqual([]);
  });

  test('meets a login that was revoked behind its back by asking for another, once', async () => {
    await using pool = opened();
    const client = await pool.connect();
    const older = await user(client);
    await vault.call('PUT', 'sys/leases/revoke-prefix/database/creds/ledger-writer');
    expect(await logins()).not.toContain(older);
    const users = await Promise.all(Array.from({ length: 5 }, () => user(pool)));
    client.release();
    expect(users).not.toContain(older);
    expect(new Set(users).size).toBe(1);
  });

  test('loses its connections with the identity that is suspended, and hears why', async () => {
    await using pool = opened();
    const client = await pool.connect();
    const running = client.query('select pg_sleep(60)');
    const suspension = command(daemon, 'identities', 'suspend', SERVICE, '--reason', 'incident 7');
    await expect(running).rejects.toThrow('Connection terminated');
    client.release();
    expect(await suspension).toMatchObject({ status: 0 });
    await expect(user(pool)).rejects.toMatchObject({ code: 'identity_suspended' });
    await expect.poll(logins, { timeout: 15_000 }).toEqual([]);
    await command(daemon, 'identities', 'resume', SERVICE, '--reason', 'incident 7 is over');
    await expect.poll(() => user(pool).catch(String), { timeout: 10_000 }).toMatch(/^ls-/);
  });
});
