// The service of the examples against real upstreams: its journal in PostgreSQL by logins of Vault, its ledger by tokens
// that Keycloak binds to its key, and that the sidecar asks for with a secret of Vault. All of it are processes of their
// own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AUDIENCE, SERVICE, type Daemon } from '../daemon/daemon.ts';
import { freePort } from '../servers/free-ports.ts';
import { startDaemonOnVault } from '../daemon/daemon-on-vault.ts';
import { FROM_SOURCES, startProgram, type Program } from '../daemon/program.ts';
import { startFurnishedVault, type FurnishedVault } from '../interop/vault/furnished-vault.ts';
import { startKeycloak, type Keycloak } from '../servers/keycloak.ts';
import { describeWithServers } from '../servers/require-server.ts';

const CLIENT = { clientId: 'close-batch', secret: 'canary-client-secret' };
const ENTRIES = 40;
const main = (example: string): string =>
  fileURLToPath(new URL(`../../examples/${example}/src/main.ts`, import.meta.url));

describeWithServers(['vault', 'postgres', 'keycloak'], 'close-batch against Vault, PostgreSQL and Keycloak', () => {
  let folder: string;
  let vault: FurnishedVault;
  let admin: pg.Client;
  let keycloak: Keycloak;
  let issuer: string;
  let ledger: string;
  let api: Program;
  let daemon: Daemon;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tallystick-close-batch-'));
    [vault, keycloak] = await Promise.all([startFurnishedVault(), startKeycloak()]);
    admin = await fillDatabase(vault);
    issuer = await furnishRealm(keycloak);
    const port = await freePort();
    ledger = `http://127.0.0.1:${port}`;
    api = startApi(port, await subjectOf(keycloak));
    await vault.call('POST', 'secret/data/ledger/sso', { data: { client_secret: CLIENT.secret } });
    daemon = await startDaemonOnVault(
      vault,
      { credential: 'ledger-db', role: 'ledger-writer', lease: '4s', secret: 'ledger/sso' },
      (config) => `${config
        .replace('entitlements: [ledger-db]', 'entitlements: [ledger-db, ledger-api]')
        .replace(
          'providers:\n',
          `providers:\n  sso: { type: oauth, issuer: '${issuer}', client: { id: ${CLIENT.clientId}, authentication: client_secret_basic, secret: { credential: sso-client, value: client_secret } } }\n`,
        )}  ledger-api: { provider: sso, audience: ${AUDIENCE}, scope: journal.write, indicator: none, use: ['${ledger}/'] }
  sso-client: { provider: vault, path: secret/ledger/sso }
`,
    );
    await api.line(({ event }) => event === 'listening');
  }, 180_000);
  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    await api?.[Symbol.asyncDispose]();
    await admin?.end();
    await Promise.all([vault?.stop(), keycloak?.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  function startApi(port: number, subject: string): Program {
    const issuerFile = join(folder, 'issuer.json');
    const jwks = `${issuer}/protocol/openid-connect/certs`;
    writeFileSync(issuerFile, JSON.stringify({ issuer, jwks, subjects: [subject] }));
    const args = ['--port', String(port), '--issuer', issuerFile, '--audience', AUDIENCE];
    return startProgram({ command: [process.execPath, ...FROM_SOURCES, main('ledger-api'), ...args], cwd: folder });
  }

  test('posts its journal while its logins rotate, and leaves no login behind', async () => {
    const { host, port, database } = vault.postgres;
    const options = {
      ledger,
      database: `postgresql://${host}:${port}/${database}`,
      'authorization-server': `${issuer}/protocol/openid-connect/token`,
      entries: String(ENTRIES),
      pause: '150',
    };
    await using batch = startProgram({
      command: [
        process.execPath,
        ...FROM_SOURCES,
        main('close-batch'),
        ...Object.entries(options).map(([name, value]) => `--${name}=${value}`),
      ],
      cwd: folder,
      env: { TALLYSTICK_SOCKET: `unix://${daemon.socket}` },
    });
    expect(await batch.ended).toBe(0);
    expect(batch.lines[0]).toMatchObject({ event: 'connected', id: SERVICE });
    expect(batch.lines.slice(1)).toEqual(
      Array.from({ length: ENTRIES }, (_, at): unknown =>
        expect.objectContaining({ event: 'posted', number: at + 1, status: 200 }),
      ),
    );

    // Each login is named after its lease, so the journal itself says which lease an entry was posted under.
    const { rows } = await admin.query<{ by: string }>('select distinct posted_by as by from journal');
    const users = rows.map(({ by }) => by);
    expect(users.length).toBeGreaterThan(1);
    expect(users.filter((user) => !/^ls-01[0-9A-Z]{24}-/i.test(user))).toEqual([]);
    const left = async () =>
      (await admin.query<{ name: string }>('select rolname as name from pg_roles where rolname = any($1)', [users]))
        .rows;
    await expect.poll(left, { timeout: 15_000 }).toEqual([]);
    for (const said of [batch, api, daemon]) expect(said.output()).not.toMatch(/canary|eyJ[\w-]+\.eyJ/);
  });
});

/** Makes the journal, and a role of Vault's engine that may work on it. Returns a connection of the administrator. */
async function fillDatabase(vault: FurnishedVault): Promise<pg.Client> {
  const admin = new pg.Client({ connectionString: vault.postgres.url });
  await admin.connect();
  await admin.query(
    `create table journal as
     select number, '1000' as debit, '2000' as credit, number * 100 as cents, null::text as posted_by
     from generate_series(1, ${ENTRIES}) as number`,
  );
  await vault.call('POST', 'database/roles/ledger-writer', {
    db_name: 'ledger',
    creation_statements: [
      `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'; ` +
        `GRANT SELECT, UPDATE ON journal TO "{{name}}"`,
    ],
    default_ttl: '4s',
    max_ttl: '4s',
  });
  return admin;
}

async function furnishRealm(keycloak: Keycloak): Promise<string> {
  const issuer = await keycloak.makeRealm('acme');
  await keycloak.admin('POST', 'realms/acme/client-scopes', {
    name: 'journal.write',
    protocol: 'openid-connect',
    attributes: { 'include.in.token.scope': 'true' },
  });
  await keycloak.makeClient('acme', {
    ...CLIENT,
    audience: AUDIENCE,
    // Else the type of its tokens is "JWT" (RFC 9068 §2.1).
    attributes: { 'access.token.header.type.rfc9068': 'true' },
    settings: { optionalClientScopes: ['journal.write'] },
  });
  return issuer;
}

/** The `sub` of the client's tokens. */
async function subjectOf(keycloak: Keycloak): Promise<string> {
  const [client] = await keycloak.admin<{ id: string }[]>('GET', `realms/acme/clients?clientId=${CLIENT.clientId}`);
  return (await keycloak.admin<{ id: string }>('GET', `realms/acme/clients/${client!.id}/service-account-user`)).id;
}
