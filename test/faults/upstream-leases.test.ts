// What becomes of logins in a real PostgreSQL, made by a real Vault, when services leave or are killed, when the sidecar is
// killed, and when the sidecar never learns that they were made. Much of it takes minutes, because services are given
// time to ask again.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { connect } from '@tallystick/sdk';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startFaultProxy, type FaultProxy } from '../../sidecar/test/providers/fault-proxy.ts';
import { startDaemon, SERVICE, type Daemon } from '../daemon/daemon.ts';
import { FROM_SOURCES, startProgram, type Program } from '../daemon/program.ts';
import { filesIn } from '../daemon/files-in.ts';
import { startFurnishedVault, type FurnishedVault } from '../interop/vault/furnished-vault.ts';
import { describeWithServers } from '../servers/require-server.ts';
import { ANSWERS_OF_WHAT_WAS_DONE, isLoginMade, secretsOf } from './bad-answers.ts';
import { findLeaks, type Place } from './leaks.ts';
import { readRecords } from './record-files.ts';
import { FULL, SEED, seeded, shuffled, times, tried } from './scale.ts';

const HOLDER = fileURLToPath(new URL('programs/hold-login.ts', import.meta.url));
const QUERIER = fileURLToPath(new URL('programs/query-login.ts', import.meta.url));
const HOLDERS = 8;
/** A sweep looks every 30 s. */
const SWEPT = { timeout: 70_000, interval: 1000 };
/** What ends without a sweep, on a machine that does much else. */
const SOON = { timeout: 20_000, interval: 100 };
/** What an earlier run has left is ended a minute after the start. */
const ENDED = { timeout: 100_000, interval: 1000 };

describeWithServers(['vault', 'postgres'], 'logins that nobody holds any more', () => {
  let vault: FurnishedVault;
  let front: FaultProxy;
  let admin: pg.Client;
  let folder: string;

  beforeAll(async () => {
    vault = await startFurnishedVault();
    front = await startFaultProxy(vault.url);
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
    await front?.stop();
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
  vault: { type: vault, address: '${front.url}', auth: { method: token, tokenFile: '${folder}/vault-token' } }
credentials:
  ledger-db: { provider: vault, path: database/creds/ledger-writer, lifetime: 1h }
`,
    });
  const run = (...command: string[]): Program =>
    startProgram({ command: [process.execPath, ...FROM_SOURCES, ...command], cwd: folder });
  const hold = async (daemon: Daemon): Promise<Program & { readonly leaseId: string }> => {
    const program = run(HOLDER, daemon.socket);
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

  const title =
    'are held by the rest when one of those that share one leaves, who fail no query, and end with the last';
  test(title, { timeout: 200_000 }, async () => {
    await using daemon = await start();
    const { host, port, database } = vault.postgres;
    const holders = Array.from({ length: times(3, HOLDERS) }, () =>
      run(QUERIER, daemon.socket, host, `${port}`, database),
    );
    await using all = new AsyncDisposableStack();
    for (const each of holders) all.use(each);
    const leases = await Promise.all(holders.map((each) => each.line(({ told }) => told === 'holds')));
    expect(new Set(leases.map(({ leaseId }) => leaseId)).size).toBe(1);
    const state = async (holder: Program, order: string) => {
      const seen = holder.lines.length;
      holder.send(order);
      return (await holder.line(({ told }) => told === order, seen)) as { queries: number; failures: string[] };
    };
    /** Each has been answered so many queries more, and none has failed. */
    const goOn = async (rest: readonly Program[]): Promise<void> => {
      await Promise.all(
        rest.map(async (holder) => {
          const { queries } = await state(holder, 'before');
          await vi.waitUntil(async () => (await state(holder, 'since')).queries >= queries + 20, { timeout: 10_000 });
          expect((await state(holder, 'at all')).failures).toEqual([]);
        }),
      );
    };

    let queries = 0;
    const ways = FULL ? ['release', 'SIGKILL', 'close'] : ['release', 'close'];
    for (const [i, holder] of holders.entries()) {
      const rest = holders.slice(i + 1);
      const way = rest.length === 0 ? 'release' : ways[i % ways.length]!;
      if (way === 'SIGKILL') await holder.kill(way);
      else {
        const left = await state(holder, way);
        expect(left.failures).toEqual([]);
        queries += left.queries;
      }
      if (rest.length === 0) break;
      await goOn(rest);
      expect(await logins()).toBe(1);
    }
    tried(title, queries);
    await expect.poll(logins, FULL ? SWEPT : SOON).toBe(0);
    await expect.poll(() => outcomes(daemon).map(([, status]) => status)).toEqual(['minted', 'revoked']);
  });

  const lost =
    'end at once when Vault has made them and its answer never arrives, though it would keep them for an hour';
  test(`${lost} (seed ${SEED})`, { timeout: FULL ? 300_000 : 60_000 }, async () => {
    await using daemon = await start();
    await using identity = await connect({ socket: daemon.socket });
    const places: Place[] = [];
    const kinds = shuffled(Object.entries(ANSWERS_OF_WHAT_WAS_DONE), seeded(SEED)).filter(
      ([, { weather }]) => FULL || weather.kind !== 'late',
    );
    for (const [name, { weather, code }] of kinds.slice(0, times(2, kinds.length))) {
      const before = front.spoiled.length;
      front.set(weather, isLoginMade);
      const error: unknown = await identity.credential('ledger-db', 'database').catch((thrown: unknown) => thrown);
      expect(error, name).toMatchObject({ code });
      places.push({ name: `the error: ${name}`, content: Buffer.from(inspect(error, { depth: Infinity })) });
      front.set({ kind: 'fair' });
      const made = front.spoiled.slice(before).map((body) => /"username":"(ls-[^"]+)"/.exec(body)?.[1]);
      expect(made, name).toEqual([expect.any(String)]);
      await expect.poll(logins, SOON).toBe(0);
      const [leaseId] = outcomes(daemon).at(-1)!;
      await expect.poll(() => outcomes(daemon).at(-1)).toEqual([leaseId, 'revoked']);
      const login = await vi.waitUntil(() => identity.credential('ledger-db', 'database').catch(() => undefined), {
        timeout: 30_000,
      });
      expect(made).not.toContain(login.username);
      expect(await logins()).toBe(1);
      await identity.release(login);
      await expect.poll(logins, SOON).toBe(0);
    }
    places.push({ name: 'output', content: Buffer.from(daemon.output()) }, ...filesIn(daemon.folder));
    expect(findLeaks(secretsOf(front), places)).toEqual([]);
    tried(lost, times(2, kinds.length));
  });

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
