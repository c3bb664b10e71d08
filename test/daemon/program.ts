import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { createInterface } from 'node:readline';

/** The flags by which a Node program runs from the sources of the workspace. */
export const FROM_SOURCES: readonly string[] = [
  '--conditions=@tallystick/source',
  '--disable-warning=ExperimentalWarning',
];

/** What every program has of our environment: where its commands are, and what Node made of the same sources before. */
export const ENVIRONMENT: Readonly<Record<string, string>> = Object.fromEntries(
  ['PATH', 'NODE_COMPILE_CACHE'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  }),
);

/** How a program is started. */
export interface ProgramOptions {
  /** The program and its arguments. */
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  /** Its environment, beside {@link ENVIRONMENT}. */
  readonly env?: Readonly<Record<string, string>>;
  /** The user, and the group of that number, to run as. */
  readonly uid?: number | undefined;
}

/** A process of a test, and what it has written so far. */
export interface Program extends AsyncDisposable {
  readonly pid: number;
  /** The JSON objects among the lines of both of its streams. */
  readonly lines: readonly Record<string, unknown>[];
  /** All that it wrote, as text. */
  output(): string;
  /** The lines of its descriptor 3: what it tells the test and nobody else. */
  readonly told: readonly string[];
  /**
   * Resolves with the first JSON line, seen or to come, that `selects`; rejects when it ends before.
   *
   * @param from How many lines are passed over.
   */
  line(selects: (line: Record<string, unknown>) => boolean, from?: number): Promise<Record<string, unknown>>;
  /** Writes a line to its standard input. */
  send(line: string): void;
  /** Reads nothing more of what it writes: its pipes break. */
  stopReading(): void;
  /** Resolves when it has ended, and all it wrote is here: exit code or signal. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** Sends it a signal, and resolves when it has ended. */
  kill(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** Starts a process that does not outlive the test. */
export function startProgram({ command: [file, ...args], cwd, env, uid }: ProgramOptions): Program {
  const child = spawn(file, args, {
    cwd,
    env: { ...ENVIRONMENT, ...env },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    ...(uid !== undefined && { uid, gid: uid }),
  });
  running.add(child);
  const lines: Record<string, unknown>[] = [];
  const told: string[] = [];
  const wakes = new Set<() => void>();
  let text = '';
  let over = false;
  const wake = (): void => wakes.forEach((each) => each());
  for (const stream of [child.stdout!, child.stderr!]) {
    createInterface({ input: stream }).on('line', (line) => {
      text += `${line}\n`;
      const object = jsonObject(line);
      if (object) lines.push(object);
      wake();
    });
  }
  createInterface({ input: child.stdio[3] as Readable }).on('line', (line) => told.push(line));
  // One that has ended is not written to any more.
  child.stdin!.on('error', () => {});
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      running.delete(child);
      over = true;
      resolve(code ?? signal!);
      wake();
    });
  });
  const kill = (signal: NodeJS.Signals): Promise<number | NodeJS.Signals> => {
    child.kill(signal);
    return ended;
  };
  return {
    pid: child.pid!,
    lines,
    output: () => text,
    told,
    async line(selects, from = 0) {
      const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>();
      const look = (): void => {
        const found = lines.slice(from).find(selects);
        if (found) resolve(found);
        else if (over) reject(new Error(`${file} ended before the line that was awaited:\n${text}`));
      };
      wakes.add(look);
      look();
      return promise.finally(() => wakes.delete(look));
    },
    send: (line) => void child.stdin!.write(`${line}\n`),
    stopReading() {
      for (const stream of [child.stdout!, child.stderr!]) stream.destroy();
    },
    ended,
    kill,
    async [Symbol.asyncDispose]() {
      if (!over) await kill('SIGKILL');
    },
  };
}

function jsonObject(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
