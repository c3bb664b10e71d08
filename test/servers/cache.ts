import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Servers that are built from a pinned Go module in the folder of the same name. */
export type BuiltServer = 'etcd' | 'fsck' | 'jaeger' | 'kube-apiserver' | 'posix-oneshot' | 'vault';

/** The folder whose `go.mod` and `go.sum` pin `server`. */
export function moduleFolder(server: BuiltServer): string {
  return join(import.meta.dirname, server);
}

/**
 * Where the binary of `server` is kept between runs. The checksum of `go.sum` is part of the path, so that another
 * version is another file and an old one is never taken for it.
 */
export function cachedBinary(server: BuiltServer): string {
  const pins = createHash('sha256')
    .update(readFileSync(join(moduleFolder(server), 'go.sum')))
    .digest('hex');
  return join(cacheFolder('tallystick-test-servers'), `${server}-${pins.slice(0, 16)}`);
}

/** What moto is installed by, pinned. */
export const MOTO_REQUIREMENTS: string = join(import.meta.dirname, 'moto', 'requirements.txt');

/** The command of the moto that is installed in a Python environment of its own, kept as the binaries are. */
export function motoServer(): string {
  const pins = createHash('sha256').update(readFileSync(MOTO_REQUIREMENTS)).digest('hex');
  return join(cacheFolder('tallystick-test-servers'), `moto-${pins.slice(0, 16)}`, 'bin', 'moto_server');
}

/** The distribution of Keycloak by its Maven coordinates, the SHA-256 of its bytes, and the previews it is built with. */
export const KEYCLOAK = {
  artifact: 'org.keycloak:keycloak-quarkus-dist:26.7.3:zip',
  sha256: '27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f',
  features: 'spiffe',
} as const;

/** The folder of the Keycloak that is unpacked and made ready, kept as the binaries are. */
export function keycloakHome(): string {
  const pins = createHash('sha256').update(JSON.stringify(KEYCLOAK)).digest('hex');
  return join(cacheFolder('tallystick-test-servers'), `keycloak-${pins.slice(0, 16)}`);
}

/** The user's folder for what can be made again, under `name`. */
export function cacheFolder(name: string): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), name);
}
