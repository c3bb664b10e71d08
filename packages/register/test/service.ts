import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';

/** How a service ended, and what it said. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A service that runs with `@tallystick/register`. */
export interface RunningService {
  readonly process: ChildProcessWithoutNullStreams;
  /** Resolves when it has printed `line`. */
  printed(line: string): Promise<void>;
  readonly ended: Promise<Ended>;
}

const running = new Set<ChildProcessWithoutNullStreams>();

/** Starts one of `programs/` as `node --import @tallystick/register` does. */
export function startService(program: string, env: Record<string, string> = {}, args: string[] = []): RunningService {
  const path = join(import.meta.dirname, 'programs', program);
  const child = spawn(
    process.execPath,
    [
      '--conditions=@tallystick/source',
      '--disable-warning=ExperimentalWarning',
      '--import',
      '@tallystick/register',
      path,
      ...args,
    ],
    {
      cwd: import.meta.dirname,
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
        TALLYSTICK_SOCKET: '/nonexistent/api.sock',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_SERVICE_NAME: 'service',
        ...env,
      },
    },
  );
  running.add(child);
  let [stdout, stderr] = ['', ''];
  const waiting: { line: string; done: () => void }[] = [];
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString();
    for (const { line, done } of waiting) if (stdout.split('\n').includes(line)) done();
  });
  return {
    process: child,
    printed: (line) => new Promise((done) => waiting.push({ line, done })),
    ended: new Promise((resolve) => {
      child.on('close', (code, signal) => {
        running.delete(child);
        resolve({ code, signal, stdout, stderr });
      });
    }),
  };
}

/** Ends what a failed test has left. */
export function killServices(): void {
  for (const child of running) child.kill('SIGKILL');
}
