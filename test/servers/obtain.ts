// Obtains the servers that the tests need: `pnpm servers`. Slow the first time (most are compiled), instant afterwards.
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cachedBinary, MOTO_REQUIREMENTS, moduleFolder, motoServer, type BuiltServer } from './cache.ts';
import { findServer, onPath, type ServerName } from './find.ts';
import { obtainKeycloak } from './obtain-keycloak.ts';
import { run } from './run.ts';

/** The package of each command that is compiled, and about how long that takes. */
const BUILT: Readonly<Record<BuiltServer, { readonly command: string; readonly takes: string }>> = {
  etcd: { command: 'go.etcd.io/etcd/server/v3', takes: 'a minute' },
  fsck: { command: 'github.com/transparency-dev/tessera/cmd/fsck', takes: 'half a minute' },
  jaeger: { command: 'github.com/jaegertracing/jaeger/cmd/all-in-one', takes: 'two minutes' },
  'kube-apiserver': { command: 'k8s.io/kubernetes/cmd/kube-apiserver', takes: 'four minutes' },
  'posix-oneshot': {
    command: 'github.com/transparency-dev/tessera/cmd/examples/posix-oneshot',
    takes: 'half a minute',
  },
  vault: { command: 'github.com/hashicorp/vault', takes: 'nine minutes' },
};

function build(name: BuiltServer): void {
  const binary = cachedBinary(name);
  if (existsSync(binary)) return console.log(`${name}: ${binary}`);
  if (!onPath('go')) throw new Error(`${name}: Go is needed to build it; install Go 1.25 or later`);
  const { command, takes } = BUILT[name];
  console.log(`${name}: building, about ${takes}`);
  mkdirSync(dirname(binary), { recursive: true });
  // Renamed into place, so that a build that was interrupted is never taken for a binary.
  const unfinished = `${binary}.${process.pid}`;
  run('go', ['build', '-mod=readonly', '-trimpath', '-ldflags=-s -w', '-o', unfinished, command], {
    cwd: moduleFolder(name),
    env: { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local' },
  });
  renameSync(unfinished, binary);
  console.log(`${name}: ${binary}`);
}

function installPackage(name: ServerName, debianPackage: string): void {
  const found = findServer(name);
  if (found) return console.log(`${name}: ${found}`);
  const installs = process.env.CI && process.getuid?.() === 0 && onPath('apt-get');
  if (!installs) throw new Error(`${name}: not found; install it (Debian: apt-get install ${debianPackage})`);
  // In run level 1 the package starts no daemon of its own: the tests start theirs, on ports they pick.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  run('apt-get', ['update', '-qq'], { env });
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', debianPackage], { env });
  console.log(`${name}: ${findServer(name)}`);
}

function installMoto(): void {
  const found = findServer('moto');
  if (found) return console.log(`moto: ${found}`);
  if (!onPath('python3')) throw new Error('moto: Python 3.9 or later is needed; install python3 and its venv module');
  const folder = dirname(dirname(motoServer()));
  // One that was interrupted lacks the command, which pip writes last, and is made again.
  run('python3', ['-m', 'venv', '--clear', folder]);
  run(join(folder, 'bin', 'pip'), ['install', '--quiet', '-r', MOTO_REQUIREMENTS]);
  console.log(`moto: ${motoServer()}`);
}

const steps: readonly (() => Promise<void> | void)[] = [
  ...(Object.keys(BUILT) as BuiltServer[]).map((name) => () => build(name)),
  () => installPackage('postgres', 'postgresql'),
  () => installPackage('redis', 'redis-server'),
  installMoto,
  obtainKeycloak,
];
let failed = false;
for (const obtain of steps) {
  try {
    await obtain();
  } catch (error) {
    failed = true;
    console.error(error instanceof Error ? error.message : error);
  }
}
process.exitCode = failed ? 1 : 0;
