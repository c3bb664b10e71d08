import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A server that runs as a child of the tests. */
export interface ServerProcess {
  readonly pid: number;
  /** Ends it and waits until it has exited. */
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 30_000;

/**
 * Starts `binary` and returns when it prints a line that `isReady` accepts.
 *
 * @throws {Error} It exited before, or said nothing of the kind for 30 s; the message ends with its last lines.
 */
export async function startServerProcess(
  binary: string,
  args: readonly string[],
  isReady: (line: string) => boolean,
): Promise<ServerProcess> {
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const endWithTests = (): boolean => child.kill('SIGKILL');
  process.once('exit', endWithTests);
  const exited = once(child, 'exit').then(() => process.off('exit', endWithTests));
  const lastLines: string[] = [];
  let late: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const failed = (what: string) => reject(new Error(`${binary} ${what}\n${lastLines.join('\n')}`));
      late = setTimeout(() => failed(`was not ready within ${READY_WITHIN_MS} ms`), READY_WITHIN_MS);
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
    stop: async () => {
      // They keep nothing, and a polite end takes Jaeger 10 s while a client's connection is open.
      child.kill('SIGKILL');
      await exited;
    },
  };
}
