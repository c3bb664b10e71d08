import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A server that runs as a child of the tests. */
export interface ServerProcess {
  readonly pid: number;
  /** Ends it by `signal` and waits until it has exited. Default SIGKILL: a server that keeps nothing has nothing to save. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** How a server is run where it is not as the tests are. */
export interface ServerOptions {
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** The user it runs as. Absent: ours. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** How long it may take to be ready. Default 30,000. */
  readonly readyWithinMs?: number;
}

/**
 * Starts `binary` and returns when it prints a line that `isReady` accepts.
 *
 * @throws {Error} It exited before, or said nothing of the kind in time; the message ends with its last lines.
 */
export async function startServerProcess(
  binary: string,
  args: readonly string[],
  isReady: (line: string) => boolean,
  { env, user, readyWithinMs = 30_000 }: ServerOptions = {},
): Promise<ServerProcess> {
  const child = spawn(binary, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    // A user of its own may not be allowed where we are.
    ...(user && { ...user, cwd: '/' }),
  });
  const endWithTests = (): boolean => child.kill('SIGKILL');
  process.once('exit', endWithTests);
  const exited = once(child, 'exit').then(() => process.off('exit', endWithTests));
  const lastLines: string[] = [];
  let late: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const failed = (what: string) => reject(new Error(`${binary} ${what}\n${lastLines.join('\n')}`));
      late = setTimeout(() => failed(`was not ready within ${readyWithinMs} ms`), readyWithinMs);
      child.once('error', reject);
      child.once('exit', (code, signal) => failed(`ended before it was ready (${signal ?? code})`));
      // Both streams are read to their end, or the server would block when a pipe is full.
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          lastLines.push(line);
          if (lastLines.length > 20) lastLines.shift();
          if (isReady(line)) resolve();
        });
      }
    });
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(late);
  }
  return {
    pid: child.pid!,
    stop: async (signal = 'SIGKILL') => {
      child.kill(signal);
      await exited;
    },
  };
}
