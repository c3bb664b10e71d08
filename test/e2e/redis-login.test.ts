// The example of a connection to Redis that follows a login, with a daemon, Vault's Redis plugin and a Redis with ACLs.
import { fileURLToPath } from 'node:url';
import { Redis as Client } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Daemon } from '../daemon/daemon.ts';
import { startDaemonOnVault } from '../daemon/daemon-on-vault.ts';
import { FROM_SOURCES, startProgram } from '../daemon/program.ts';
import { startRedis, type Redis } from '../servers/redis.ts';
import { describeWithServers } from '../servers/require-server.ts';
import { startVault, type Vault } from '../servers/vault.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/redis-login/src/main.ts', import.meta.url));
const ADMIN = { username: 'vault', password: 'canary-of-the-administrator' };
const LEASE = '4s';

describeWithServers(['vault', 'redis'], 'a connection to Redis that follows a login', () => {
  let redis: Redis;
  let vault: Vault;
  let daemon: Daemon;
  let admin: Client;

  beforeAll(async () => {
    [redis, vault] = await Promise.all([startRedis(), startVault()]);
    admin = new Client({ port: redis.port, host: '127.0.0.1' });
    await admin.acl('SETUSER', ADMIN.username, 'on', `>${ADMIN.password}`, '~*', '&*', '+@all');
    await admin.auth(ADMIN.username, ADMIN.password);
    await admin.acl('SETUSER', 'default', 'off');
    await vault.call('POST', 'sys/mounts/database', { type: 'database' });
    await vault.call('POST', 'database/config/redis', {
      plugin_name: 'redis-database-plugin',
      allowed_roles: ['ledger'],
      host: '127.0.0.1',
      port: redis.port,
      ...ADMIN,
    });
    await vault.call('POST', 'database/roles/ledger', {
      db_name: 'redis',
      creation_statements: [JSON.stringify(['~journal:*', '+incr', '+acl|whoami', '+auth', '+quit', '+info'])],
      default_ttl: LEASE,
      max_ttl: LEASE,
    });
    daemon = await startDaemonOnVault(vault, { credential: 'ledger-redis', role: 'ledger', lease: LEASE });
  });
  afterAll(async () => {
    admin?.disconnect();
    await daemon?.[Symbol.asyncDispose]();
    await Promise.all([vault?.stop(), redis?.stop()]);
  });

  test('works on as each newer user, and none is left when the program has ended', async () => {
    await using program = startProgram({
      command: [process.execPath, ...FROM_SOURCES, EXAMPLE, '--port', String(redis.port), '--users', '3'],
      cwd: daemon.folder,
      env: { TALLYSTICK_SOCKET: `unix://${daemon.socket}` },
    });
    expect(await program.ended).toBe(0);
    const users = program.lines.map(({ user }) => user);
    expect(new Set(users).size).toBe(3);
    expect(program.lines.map(({ event }) => event)).toEqual(['counted', 'counted', 'counted']);
    const left = async () => ((await admin.acl('USERS')) as string[]).filter((user) => users.includes(user));
    await expect.poll(left, { timeout: 15_000 }).toEqual([]);
    expect(program.output()).not.toContain('canary');
  });
});
