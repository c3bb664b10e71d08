import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { LogLock } from '../../src/log/log-lock.ts';

/**
 * Takes a lock that the kernel releases when this process ends: a Unix socket in the abstract namespace, named by the
 * path. The sidecar has flock; what matters here is who releases it.
 */
export async function kernelLock(path: string): Promise<LogLock | undefined> {
  const server = createServer();
  server.listen(`\0tallystick-test-${createHash('sha256').update(path).digest('hex')}`);
  try {
    await once(server, 'listening');
  } catch {
    return undefined;
  }
  server.unref();
  return {
    async release() {
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}
