import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cachedBinary, motoServer } from './cache.ts';

/** Servers, and commands, written by other people that tests may ask for. */
export type ServerName = 'fsck' | 'go' | 'jaeger' | 'moto' | 'openssl' | 'posix-oneshot' | 'python3' | 'redis';

/** Returns the path of an executable file called `name` in a folder of PATH, or undefined. */
export function onPath(name: string): string | undefined {
  const candidates = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
  return candidates.find(isExecutable);
}

/** Returns the path of the server's binary, or undefined where `pnpm servers` has not obtained it. */
export function findServer(name: ServerName): string | undefined {
  switch (name) {
    case 'fsck':
    case 'jaeger':
    case 'posix-oneshot': {
      const binary = cachedBinary(name);
      return isExecutable(binary) ? binary : undefined;
    }
    case 'moto': {
      const own = motoServer();
      return isExecutable(own) ? own : onPath('moto_server');
    }
    case 'redis':
      return onPath('redis-server');
    case 'go':
    case 'openssl':
    case 'python3':
      return onPath(name);
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
