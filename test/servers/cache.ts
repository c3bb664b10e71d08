import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Servers that are built from a pinned Go module in the folder of the same name. */
export type BuiltServer = 'fsck' | 'jaeger' | 'posix-oneshot';

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

/** The user's folder for what can be made again, under `name`. */
export function cacheFolder(name: string): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), name);
}
