import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A process of the demo, and the JSON lines it has printed. */
export interface Child {
  readonly pid: number;
  readonly lines: readonly Record<string, unknown>[];
  /** What it wrote to standard error. */
  errors(): string;
  /** Resolves with the first line, seen or to come, that `selects`. Rejects when the process ends before, or in 15 s. */
  line(selects: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
  /** Ends it, and resolves when it has ended. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** What a process is started with. */
export interface ChildOptions {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Where its JSON lines come from. */
  readonly from: 'stdout' | 'stderr';
}

const PATIENCE_MS = 15_000;
const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** Starts a Node process on this Node, from the sources of the workspace. */
export function startChild({ args, cwd, env, from }: ChildOptions): Child {
  const child = spawn(process.execPath, [...NODE_FLAGS, ...args], {
    cwd,
    // Nothing of this process's environment but what finds programs: the demo shows that nothing else is needed.
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const lines: Record<string, unknown>[] = [];
  const waiters = new Set<() => void>();
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-20_000)));
  createInterface({ input: child[from] }).on('line', (text) => {
    try {
      lines.push(JSON.parse(text) as Record<string, unknown>);
    } catch {
      return;
    }
    for (const wake of waiters) wake();
  });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      running.delete(child);
      resolve();
      for (const wake of waiters) wake();
    });
  });
  return {
    pid: child.pid!,
    lines,
    errors: () => errors,
    async line(selects) {
      const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>();
      const look = (): void => {
        const found = lines.find(selects);
        if (found) resolve(found);
        else if (!running.has(child)) reject(new Error(`${args.at(-1)} ended early:\n${errors}`));
      };
      const timer = setTimeout(() => reject(new Error(`${args[0]} did not answer in time:\n${errors}`)), PATIENCE_MS);
      waiters.add(look);
      look();
      return promise.finally(() => {
        clearTimeout(timer);
        waiters.delete(look);
      });
    },
    async stop(signal = 'SIGTERM') {
      if (running.has(child)) child.kill(signal);
      await ended;
    },
  };
}

/** The workspace runs from its TypeScript sources. */
export const NODE_FLAGS = ['--conditions=@tallystick/source', '--disable-warning=ExperimentalWarning'] as const;
