import { execFile } from 'node:child_process';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from './free-ports.ts';
import { requireServer } from './require-server.ts';
import { startServerProcess, type ServerOptions, type ServerProcess } from './server-process.ts';

/** A PostgreSQL with one superuser and nothing in it. Passwords are checked (SCRAM-SHA-256); there is no TLS. */
export interface Postgres {
  readonly host: string;
  /** The same after `up()`. */
  readonly port: number;
  readonly database: string;
  readonly superuser: { readonly username: string; readonly password: string };
  /** `postgresql://superuser:password@host:port/database` */
  readonly url: string;
  readonly pid: number;
  /** Ends the process as its administrator would: connections are told so. What it holds stays. */
  down(): Promise<void>;
  /** Starts it again after `down()`. */
  up(): Promise<void>;
  /** Ends it and removes what it stored. */
  stop(): Promise<void>;
}

/** Starts a PostgreSQL of its own for the caller, on a free port of 127.0.0.1. */
export async function startPostgres(): Promise<Postgres> {
  const binary = requireServer('postgres');
  const [port] = (await freePorts(1)) as [number];
  const folder = await mkdtemp(join(tmpdir(), 'tallystick-postgres-'));
  const superuser = { username: 'postgres', password: 'canary-of-the-superuser' };
  const options = await ownUser(folder);
  const data = join(folder, 'data');
  await initialise(join(dirname(binary), 'initdb'), folder, superuser, options);

  const settings = Object.entries({
    listen_addresses: HOST,
    port,
    unix_socket_directories: '',
    // Nothing here has to outlive the machine.
    fsync: 'off',
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const start = (): Promise<ServerProcess> =>
    startServerProcess(binary, ['-D', data, ...settings], (line) => line.includes(READY), options);
  let server = await start();
  return {
    host: HOST,
    port,
    database: 'postgres',
    superuser,
    url: `postgresql://${superuser.username}:${superuser.password}@${HOST}:${port}/postgres`,
    get pid() {
      return server.pid;
    },
    down: () => server.stop('SIGINT'),
    up: async () => void (server = await start()),
    stop: async () => {
      // By SIGKILL it would leave its children, and shared memory.
      await server.stop('SIGQUIT');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const HOST = '127.0.0.1';
const READY = 'database system is ready to accept connections';
/** `nobody` and its group: PostgreSQL refuses to run as root, and wants a user that has a name. */
const NOBODY = { uid: 65_534, gid: 65_534 };

async function ownUser(folder: string): Promise<ServerOptions> {
  if (process.getuid?.() !== 0) return {};
  await chown(folder, NOBODY.uid, NOBODY.gid);
  return { user: NOBODY };
}

async function initialise(
  initdb: string,
  folder: string,
  superuser: Postgres['superuser'],
  { user }: ServerOptions,
): Promise<void> {
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, superuser.password);
  if (user) await chown(passwordFile, user.uid, user.gid);
  await promisify(execFile)(
    initdb,
    [
      '--pgdata',
      join(folder, 'data'),
      '--username',
      superuser.username,
      '--pwfile',
      passwordFile,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ],
    { ...user, cwd: folder },
  );
}
