import { inspect } from 'node:util';
import { TallystickError, type DatabaseCredential } from '@tallystick/core';
import pg, { type PoolClient } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, expectTypeOf, test } from 'vitest';
import { startPostgres, type Postgres } from '../../../../test/servers/postgres.ts';
import { describeWithServers } from '../../../../test/servers/require-server.ts';
import { rotatingPool, type RotatingPool } from '../../src/pg.ts';
import { databaseLogin, TestLogins } from './login-source.ts';
import { Roles } from './roles.ts';

type Pool = RotatingPool<pg.Pool>;

describeWithServers(['postgres'], 'a pool whose connections follow a login', () => {
  let postgres: Postgres;
  let roles: Roles;
  let logins: TestLogins;
  let pool: Pool;

  beforeAll(async () => {
    postgres = await startPostgres();
    roles = await Roles.at(postgres);
  });
  afterAll(async () => {
    await roles?.close();
    await postgres?.stop();
  });
  beforeEach(() => {
    logins = new TestLogins();
    pool = poolOf({});
  });
  afterEach(() => pool.end());

  const poolOf = (settings: pg.PoolConfig): Pool => {
    const { host, port, database } = postgres;
    return rotatingPool(logins, 'ledger-db', { Pool: pg.Pool, host, port, database, ...settings });
  };
  const userOf = async (asked: Pick<PoolClient, 'query'>): Promise<string> => {
    const { rows } = await asked.query<{ user: string }>('select current_user as user');
    return rows[0]!.user;
  };
  const connectAs = async ({ username, password }: DatabaseCredential): Promise<void> => {
    const { host, port, database } = postgres;
    await new pg.Client({ host, port, database, user: username, password: password.reveal() }).connect();
  };
  const noneLeft = (login: DatabaseCredential) =>
    expect.poll(() => roles.connections(login), { timeout: 10_000 }).toBe(0);

  test('is typed as the Pool it is made of', () => {
    expectTypeOf(pool.query).toEqualTypeOf<pg.Pool['query']>();
    expectTypeOf(pool.connect).toEqualTypeOf<pg.Pool['connect']>();
    // @ts-expect-error The login says who connects.
    expect(() => poolOfUser({ Pool: pg.Pool, user: 'postgres' })).toThrow();
    function poolOfUser(config: Parameters<typeof rotatingPool<pg.Pool, pg.PoolConfig>>[2]): Pool {
      return rotatingPool(logins, 'ledger-db', config);
    }
  });

  describe('a newer login', () => {
    test('is what new connections take', async () => {
      const [older, newer] = [await roles.make(), await roles.make()];
      logins.put(older);
      expect(await userOf(pool)).toBe(older.username);
      logins.put(newer);
      expect(await userOf(pool)).toBe(newer.username);
    });

    test('closes idle connections of the older one, while nobody asks for any', async () => {
      const [older, newer] = [await roles.make(), await roles.make()];
      logins.put(older);
      await Promise.all([userOf(pool), userOf(pool), userOf(pool)]);
      expect(pool.idleCount).toBe(3);
      logins.put(newer);
      await noneLeft(older);
      expect(pool.totalCount).toBe(0);
    });

    test('leaves a lent connection alone until it is given back', async () => {
      const [older, newer] = [await roles.make(), await roles.make()];
      logins.put(older);
      const client = await pool.connect();
      await client.query('begin');
      logins.put(newer);
      expect(await userOf(pool)).toBe(newer.username);
      expect(await userOf(client)).toBe(older.username);
      await client.query('commit');
      client.release();
      await noneLeft(older);
    });

    test('is given to those who wait for a connection of the older one', async () => {
      pool = poolOf({ max: 1 });
      const [older, newer] = [await roles.make(), await roles.make()];
      logins.put(older);
      const client = await pool.connect();
      const waiting = [userOf(pool), userOf(pool)];
      await expect.poll(() => pool.waitingCount).toBe(2);
      logins.put(newer);
      expect(await Promise.all(waiting)).toEqual([newer.username, newer.username]);
      client.release();
      await noneLeft(older);
    });

    test('of the same user and password keeps the connections: the lease was renewed', async () => {
      const login = await roles.make();
      const backend = async () => (await pool.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]!.pid;
      logins.put(login);
      const before = await backend();
      logins.put({ ...login, expiresAt: new Date(login.expiresAt.getTime() + 1000) });
      expect(await backend()).toBe(before);
    });

    test('fails no query of a busy service, though each older login is dropped as soon as it is unused', async () => {
      let login = await roles.make();
      logins.put(login);
      let busy = true;
      const work = async (): Promise<number> => {
        let done = 0;
        for (; busy; done++) await pool.query('select pg_sleep(0.001)');
        return done;
      };
      const workers = Array.from({ length: 8 }, work);
      for (let rotation = 0; rotation < 10; rotation++) {
        const older = login;
        logins.put((login = await roles.make()));
        await noneLeft(older);
        await roles.drop(older);
      }
      busy = false;
      const done = await Promise.all(workers);
      expect(Math.min(...done)).toBeGreaterThan(0);
    });
  });

  describe('the end of a lease', () => {
    test('cuts a connection that is still lent', async () => {
      const login = await roles.make(1500);
      logins.put(login);
      const client = await pool.connect();
      client.on('error', () => {});
      await expect(client.query('select pg_sleep(60)')).rejects.toThrow('Connection terminated');
      client.release();
      expect(pool.totalCount).toBe(0);
    });

    test('comes later for a lease that was renewed', async () => {
      const login = await roles.make(1500);
      logins.put(login);
      const client = await pool.connect();
      logins.put({ ...login, expiresAt: new Date(Date.now() + 3_600_000) });
      await client.query('select pg_sleep(1.5)');
      expect(await userOf(client)).toBe(login.username);
      client.release();
    });
  });

  describe('a revocation', () => {
    const revoked = new TallystickError('credential_revoked', 'the lease was revoked');

    test('cuts what is lent, and is what the next caller hears', async () => {
      const login = await roles.make();
      logins.put(login);
      const client = await pool.connect();
      const query = client.query('select pg_sleep(60)');
      logins.take(revoked);
      await expect(query).rejects.toThrow('Connection terminated');
      client.release();
      await expect(pool.query('select 1')).rejects.toBe(revoked);
    });

    test('cuts what is still lent of an older login too', async () => {
      const [older, newer] = [await roles.make(), await roles.make()];
      logins.put(older);
      const client = await pool.connect();
      const query = client.query('select pg_sleep(60)');
      logins.put(newer);
      expect(await userOf(pool)).toBe(newer.username);
      logins.take(revoked);
      await expect(query).rejects.toThrow('Connection terminated');
      client.release();
    });

    test('is over when there is another login', async () => {
      const [older, newer] = [await roles.make(), await roles.make()];
      logins.put(older);
      await userOf(pool);
      logins.take(revoked);
      await noneLeft(older);
      logins.put(newer);
      expect(await userOf(pool)).toBe(newer.username);
      const third = await roles.make();
      logins.put(third);
      await noneLeft(newer);
    });
  });

  describe('a login that the database refuses', () => {
    test('is given back once, however many met it, and the next one is used', async () => {
      const [older, newer] = [await roles.make(), await roles.make()];
      logins.put(older);
      await userOf(pool);
      await roles.drop(older);
      // Until it is back the sidecar gives it again, and there is time to be refused with it once more.
      logins.onRelease = async () => {
        for (let attempt = 0; attempt < 3; attempt++) await expect(connectAs(older)).rejects.toThrow('authentication');
        logins.put(newer);
      };
      const held = await pool.connect();
      const users = await Promise.all(Array.from({ length: 20 }, () => userOf(pool)));
      held.release();
      expect(new Set(users)).toEqual(new Set([newer.username]));
      expect(logins.released).toEqual([older.username]);
    });

    test('is given back no more when the one that came for it is refused too', async () => {
      const nobody = (at: number) => databaseLogin(`nobody_${at}`, 'canary');
      logins.put(nobody(1));
      logins.onRelease = () => logins.put(nobody(2));
      await expect(pool.query('select 1')).rejects.toMatchObject({ code: '28P01' });
      await expect(pool.query('select 1')).rejects.toMatchObject({ code: '28P01' });
      expect(logins.released).toEqual(['nobody_1']);

      const accepted = await roles.make();
      logins.put(accepted);
      expect(await userOf(pool)).toBe(accepted.username);
      logins.put(nobody(3));
      logins.onRelease = () => logins.put(accepted);
      expect(await userOf(pool)).toBe(accepted.username);
      expect(logins.released).toEqual(['nobody_1', 'nobody_3']);
    });

    test('is replaced although giving it back fails', async () => {
      const newer = await roles.make();
      logins.put(databaseLogin('nobody', 'canary'));
      logins.onRelease = () => {
        logins.put(newer);
        throw new TallystickError('sidecar_unavailable', 'no socket');
      };
      expect(await userOf(pool)).toBe(newer.username);
    });
  });

  test('a query that fails is the failure of that query alone', async () => {
    logins.put(await roles.make());
    await expect(pool.query('select * from nowhere')).rejects.toMatchObject({ code: '42P01' });
    expect(logins.released).toEqual([]);
    await userOf(pool);
  });

  test('a database that is restarted breaks idle connections without ending the program', async () => {
    logins.put(await roles.make());
    await userOf(pool);
    const removed = new Promise((resolve) => pool.once('remove', resolve));
    await roles.close();
    await postgres.down();
    await removed;
    await expect(pool.query('select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await postgres.up();
    roles = await Roles.at(postgres);
    await userOf(pool);
  });

  test('what listens for errors of idle connections hears them', async () => {
    logins.put(await roles.make());
    const client = await pool.connect();
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    client.release();
    const heard = new Promise<Error>((resolve) => pool.once('error', resolve));
    const administrator = new pg.Client({ connectionString: postgres.url });
    await administrator.connect();
    await administrator.query('select pg_terminate_backend($1)', [rows[0]!.pid]);
    await administrator.end();
    expect(await heard).toMatchObject({ code: '57P01' });
  });

  test('callbacks are called as those of Pool', async () => {
    const login = await roles.make();
    logins.put(login);
    const rows = await new Promise((resolve, reject) =>
      pool.query('select $1::int as n', [1], (error, result) => (error ? reject(error) : resolve(result.rows))),
    );
    expect(rows).toEqual([{ n: 1 }]);
    const failure = await new Promise((resolve) => pool.query('select nothing', (error) => resolve(error)));
    expect(failure).toMatchObject({ code: '42703' });
    const user = await new Promise((resolve, reject) =>
      pool.connect((error, client, done) => {
        if (error) return reject(error);
        void userOf(client!)
          .finally(() => done())
          .then(resolve, reject);
      }),
    );
    expect(user).toBe(login.username);
    await new Promise<void>((resolve) => pool.end(resolve));
  });

  describe('the end of the pool', () => {
    test('waits for what is lent, lets nobody begin anew, and stops asking for logins', async () => {
      const login = await roles.make();
      logins.put(login);
      const client = await pool.connect();
      const ended = pool.end();
      await expect(pool.connect()).rejects.toThrow('Cannot use a pool after calling end on the pool');
      expect(await userOf(client)).toBe(login.username);
      client.release();
      await ended;
      expect(await roles.connections(login)).toBe(0);
      await expect.poll(() => logins.watches).toBe(0);
    });

    test('comes with the end of the identity, for what is idle', async () => {
      const login = await roles.make();
      logins.put(login);
      await userOf(pool);
      logins.close();
      await noneLeft(login);
    });
  });

  test.each(['user', 'password', 'connectionString'])('"%s" is refused: the login says it', (setting) => {
    expect(() => poolOf({ [setting]: 'postgresql://localhost/ledger' })).toThrow(
      expect.objectContaining({ code: 'invalid_request', remedy: 'give host, port and database instead' }),
    );
  });

  test('shows no password of its logins', async () => {
    const login = await roles.make();
    logins.put(login);
    const client = await pool.connect();
    const shown = inspect([pool, client], { depth: 20 });
    client.release();
    expect(shown).toContain(login.username);
    expect(shown).not.toContain(login.password.reveal());
  });
});
