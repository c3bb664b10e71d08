import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { KEYCLOAK, keycloakHome } from './cache.ts';
import { onPath } from './find.ts';
import { freePorts } from './free-ports.ts';
import { FIRST_ADMINISTRATOR, startKeycloakProcess } from './keycloak-process.ts';
import { run } from './run.ts';

const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy';

/**
 * Has Maven fetch the distribution, unpacks it, builds it for its database and fills that: a Keycloak that starts from
 * a copy of it has no schema to make. About two minutes.
 */
export async function obtainKeycloak(): Promise<void> {
  const home = keycloakHome();
  if (existsSync(home)) return console.log(`keycloak: ${home}`);
  const absent = ['java', 'mvn', 'python3'].filter((name) => !onPath(name));
  if (absent.length > 0)
    throw new Error(`keycloak: no ${absent.join(', ')} on PATH; Java 17, Maven and Python 3 are needed`);
  console.log('keycloak: 180 MB to fetch, then about a minute');
  // Renamed into place, so that one that was interrupted is never taken for whole.
  const unfinished = `${home}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  try {
    await makeReady(unfinished);
    renameSync(unfinished, home);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  console.log(`keycloak: ${home}`);
}

async function makeReady(folder: string): Promise<void> {
  run('mvn', ['--batch-mode', '--quiet', COPY, `-Dartifact=${KEYCLOAK.artifact}`, `-DoutputDirectory=${folder}`]);
  const [name] = readdirSync(folder) as [string];
  const archive = join(folder, name);
  const sha256 = createHash('sha256').update(readFileSync(archive)).digest('hex');
  if (sha256 !== KEYCLOAK.sha256) throw new Error(`keycloak: ${name} is another than was pinned (${sha256})`);
  run('python3', ['-m', 'zipfile', '-e', archive, folder]);
  rmSync(archive);
  const [unpacked] = readdirSync(folder) as [string];
  renameSync(join(folder, unpacked), join(folder, 'server'));
  const build = ['--db=dev-file', '--health-enabled=false', `--features=${KEYCLOAK.features}`];
  run('bash', [join(folder, 'server', 'bin', 'kc.sh'), 'build', ...build]);

  mkdirSync(join(folder, 'template'));
  const [port] = (await freePorts(1)) as [number];
  const server = await startKeycloakProcess({
    home: folder,
    folder: join(folder, 'template'),
    port,
    env: {
      KC_BOOTSTRAP_ADMIN_USERNAME: FIRST_ADMINISTRATOR.username,
      KC_BOOTSTRAP_ADMIN_PASSWORD: FIRST_ADMINISTRATOR.password,
    },
  });
  await server.stop('SIGTERM');
}
