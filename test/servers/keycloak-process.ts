import { join } from 'node:path';
import { onPath } from './find.ts';
import { startServerProcess, type ServerProcess } from './server-process.ts';

/** Who may do everything in a Keycloak of the tests. */
export const FIRST_ADMINISTRATOR = { username: 'admin', password: 'canary-of-the-administrator' } as const;

/** Where a Keycloak is and what it works on. */
export interface KeycloakPlace {
  /** The folder it was made ready in, with `server` inside. */
  readonly home: string;
  /** The folder of its database. */
  readonly folder: string;
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Starts Keycloak as `kc.sh` does, without the shell: the script would stay between us and the process. It compiles
 * no more than a short life is worth.
 */
export function startKeycloakProcess({ home, folder, port, env }: KeycloakPlace): Promise<ServerProcess> {
  const server = join(home, 'server');
  const java = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xms64m', '-Xmx512m', '-XX:MaxMetaspaceSize=256m'];
  const opened = ['java.util', 'java.util.concurrent', 'java.security'].map(
    (name) => `--add-opens=java.base/${name}=ALL-UNNAMED`,
  );
  const properties = {
    'kc.home.dir': server,
    'java.util.logging.manager': 'org.jboss.logmanager.LogManager',
    'picocli.disable.closures': 'true',
    'quarkus.transaction-manager.object-store.directory': join(folder, 'transactions'),
  };
  const options = {
    'http-enabled': 'true',
    'http-host': '127.0.0.1',
    'http-port': String(port),
    'hostname-strict': 'false',
    // The other kind listens on every address of the machine, for its peers.
    cache: 'local',
    'db-url': `jdbc:h2:file:${join(folder, 'keycloakdb')};NON_KEYWORDS=VALUE;DB_CLOSE_ON_EXIT=FALSE`,
  };
  return startServerProcess(
    onPath('java')!,
    [
      ...java,
      ...opened,
      ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
      '-cp',
      join(server, 'lib', 'quarkus-run.jar'),
      'io.quarkus.bootstrap.runner.QuarkusEntryPoint',
      'start',
      '--optimized',
      ...Object.entries(options).map(([name, value]) => `--${name}=${value}`),
    ],
    (line) => line.includes('Listening on: http://127.0.0.1'),
    { readyWithinMs: 120_000, ...(env && { env }) },
  );
}
