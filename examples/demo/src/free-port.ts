import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Returns a TCP port of loopback that was free a moment ago. It is below those that systems give to whoever asks for any: a
 * sidecar that comes back finds its own free.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
