import { accessSync, constants, existsSync, readdirSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cachedBinary, keycloakHome, motoServer, type BuiltServer } from './cache.ts';

/** Servers, and commands, written by other people that tests may ask for. */
export type ServerName = BuiltServer | 'go' | 'keycloak' | 'moto' | 'openssl' | 'postgres' | 'python3' | 'redis';

/** Returns the path of an executable file called `name` in a folder of PATH, or undefined. */
export function onPath(name: string): string | undefined {
  const candidates = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
  return candidates.find(isExecutable);
}

/** Returns the path of the server's binary, or undefined where `pnpm servers` has not obtained it. */
export function findServer(name: ServerName): string | undefined {
  switch (name) {
    case 'etcd':
    case 'fsck':
    case 'jaeger':
    case 'kube-apiserver':
    case 'posix-oneshot':
    case 'vault': {
      const binary = cachedBinary(name);
      return isExecutable(binary) ? binary : undefined;
    }
    case 'keycloak':
      return existsSync(keycloakHome()) ? onPath('java') : undefined;
    case 'moto': {
      const own = motoServer();
      return isExecutable(own) ? own : onPath('moto_server');
    }
    case 'postgres':
      return findPostgres();
    case 'redis':
      return onPath('redis-server');
    case 'go':
    case 'openssl':
    case 'python3':
      return onPath(name);
  }
}

/** Debian keeps the commands of each version in a folder of its own, and puts none of them on PATH. */
const DEBIAN_POSTGRES = '/usr/lib/postgresql';

/** The newest there is, by its real path: `initdb` lies beside it. */
function findPostgres(): string | undefined {
  const versions = existsSync(DEBIAN_POSTGRES) ? readdirSync(DEBIAN_POSTGRES) : [];
  const newestFirst = versions.toSorted((one, other) => Number(other) - Number(one));
  const found = newestFirst.map((version) => join(DEBIAN_POSTGRES, version, 'bin', 'postgres')).find(isExecutable);
  const ours = onPath('postgres');
  return ours ? realpathSync(ours) : found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
