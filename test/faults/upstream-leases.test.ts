// What becomes of logins in a real PostgreSQL, made by a real Vault, when services and the sidecar are killed. All of it
// takes minutes, because services are given time to ask again.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDaemon, SERVICE, type Daemon } from '../daemon/daemon.ts';
import { FROM_SOURCES, startProgram, type Program } from '../daemon/program.ts';
import { startFurnishedVault, type FurnishedVault } from '../interop/vault/furnished-vault.ts';
import { describeWithServers } from '../servers/require-server.ts';
import { readRecords } from './record-files.ts';
import { FULL } from './scale.ts';

const HOLDER = fileURLToPath(new URL('programs/hold-login.ts', import.meta.url));
const HOLDERS = 8;
/** A sweep looks every 30 s. */
const SWEPT = { timeout: 70_000, interval: 1000 };
/** What an earlier run has left is ended a minute after the start. */
const ENDED = { timeout: 100_000, interval: 1000 };

describeWithServers(['vault', 'postgres'], 'logins that nobody holds any more', () => {
  let vault: FurnishedVault;
  let admin: pg.Client;
  let folder: string;

  beforeAll(async () => {
    vault = await startFurnishedVault();
    admin = new pg.Client({ connectionString: vault.postgres.url });
    await admin.connect();
    await vault.call('POST', 'database/roles/ledger-writer', {
      db_name: 'ledger',
      creation_statements: [`CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`],
      default_ttl: '1h',
      max_ttl: '4h',
    });
    const { auth } = await vault.call<{ auth: { client_token: string } }>('POST', 'auth/token/create', {
      policies: ['tallystick'],
    });
    folder = mkdtempSync(join(tmpdir(), 'tallystick-upstream-leases-'));
    writeFileSync(join(folder, 'vault-token'), auth.client_token, { mode: 0o600 });
  });
  afterAll(async () => {
    await admin?.end();
    await vault?.stop();
  });

  const start = (): Promise<Daemon> =>
    startDaemon({
      registry: `identities:
  - id: ${SERVICE}
    owner: team-payments
    purpose: posts the month-end journal
    environment: test
    expires: ${new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10)}
    match: [tallystick:socket:app]
    entitlements: [ledger-db]
providers:
  vault: { type: vault, address: '${vault.url}', auth: { method: token, tokenFile: '${folder}/vault-token' } }
credentials:
  ledger-db: { provider: vault, path: database/creds/ledger-writer, lifetime: 1h }
`,
    });
  const hold = async (daemon: Daemon): Promise<Program & { readonly leaseId: string }> => {
    const program = startProgram({ command: [process.execPath, ...FROM_SOURCES, HOLDER, daemon.socket], cwd: folder });
    const { leaseId } = await program.line((line) => typeof line.leaseId === 'string');
    return Object.assign(program, { leaseId: leaseId as string });
  };
  /** How many logins PostgreSQL has of those that Vault made. */
  const logins = async (): Promise<number> => {
    const { rows } = await admin.query(`select rolname from pg_roles where rolname like 'ls-%'`);
    return rows.length;
  };
  const outcomes = (daemon: Daemon) =>
    readRecords(daemon.folder)
      .filter(({ type }) => type === 'credential.outcome')
      .map(({ lease, body }) => [lease, body.status]);

  test.runIf(FULL)(
    'end with the last of eight services that are killed, and not before',
    { timeout: 300_000 },
    async () => {
      await using daemon = await start();
      const holders = await Promise.all(Array.from({ length: HOLDERS }, () => hold(daemon)));
      expect(new Set(holders.map(({ leaseId }) => leaseId)).size).toBe(1);
      const [last, ...others] = holders;
      for (const each of others) await each[Symbol.asyncDispose]();
      await new Promise((resolve) => setTimeout(resolve, 65_000));
      expect(await logins()).toBe(1);
      await last![Symbol.asyncDispose]();
      await expect.poll(logins, SWEPT).toBe(0);
      await expect
        .poll(() => outcomes(daemon))
        .toEqual([
          [last!.leaseId, 'minted'],
          [last!.leaseId, 'revoked'],
        ]);
    },
  );

  test.runIf(FULL)(
    'end a minute after the start of a sidecar that was killed, and those of its own run do not',
    { timeout: 300_000 },
    async () => {
      await using first = await start();
      const early = await hold(first);
      await first.kill('SIGKILL');
      await using daemon = await first.again();
      await using late = await hold(daemon);
      expect([late.leaseId === early.leaseId, await logins()]).toEqual([false, 2]);
      await expect.poll(logins, ENDED).toBe(1);
      await expect
        .poll(() => outcomes(daemon))
        .toEqual([
          [early.leaseId, 'minted'],
          [late.leaseId, 'minted'],
          [early.leaseId, 'revoked'],
        ]);
      await early[Symbol.asyncDispose]();
    },
  );
});
