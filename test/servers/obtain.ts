// Obtains the servers that the tests need: `pnpm servers`. Slow the first time (Jaeger is compiled), instant afterwards.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { cachedBinary, moduleFolder } from './cache.ts';
import { onPath } from './find.ts';

const JAEGER_COMMAND = 'github.com/jaegertracing/jaeger/cmd/all-in-one';

function run(command: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): void {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} exited with ${status}`);
}

function buildJaeger(): void {
  const binary = cachedBinary('jaeger');
  if (existsSync(binary)) return console.log(`jaeger: ${binary}`);
  if (!onPath('go')) throw new Error('jaeger: Go is needed to build it; install Go 1.24 or later');
  console.log('jaeger: building, about two minutes');
  mkdirSync(dirname(binary), { recursive: true });
  // Renamed into place, so that a build that was interrupted is never taken for a binary.
  const unfinished = `${binary}.${process.pid}`;
  run('go', ['build', '-mod=readonly', '-trimpath', '-ldflags=-s -w', '-o', unfinished, JAEGER_COMMAND], {
    cwd: moduleFolder('jaeger'),
    env: { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local' },
  });
  renameSync(unfinished, binary);
  console.log(`jaeger: ${binary}`);
}

function installRedis(): void {
  const found = onPath('redis-server');
  if (found) return console.log(`redis: ${found}`);
  const installs = process.env.CI && process.getuid?.() === 0 && onPath('apt-get');
  if (!installs) throw new Error('redis: no redis-server on PATH; install it (Debian: apt-get install redis-server)');
  // In run level 1 the package starts no daemon of its own: the tests start theirs, on ports they pick.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  run('apt-get', ['update', '-qq'], { env });
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'redis-server'], { env });
  console.log(`redis: ${onPath('redis-server')}`);
}

let failed = false;
for (const obtain of [buildJaeger, installRedis]) {
  try {
    obtain();
  } catch (error) {
    failed = true;
    console.error(error instanceof Error ? error.message : error);
  }
}
process.exitCode = failed ? 1 : 0;
