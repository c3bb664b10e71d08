import { spawn } from 'node:child_process';
import { TALLYSTICK, type Daemon } from './daemon.ts';
import { ENVIRONMENT } from './program.ts';

/** What a command ended with, and what it printed. */
export interface CommandResult {
  readonly status: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where, with what and as whom a command runs. */
export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number | undefined;
  /** What is piped in; absent: nothing is. */
  readonly input?: string;
}

/** Runs `tallystick` with these arguments, as an operator would, to its end. */
export function tallystick(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const child = spawn(process.execPath, [...TALLYSTICK, ...args], {
    cwd: options.cwd,
    env: { ...ENVIRONMENT, ...options.env },
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(options.uid !== undefined && { uid: options.uid, gid: options.uid }),
  });
  child.stdin?.end(options.input);
  let stdout = '';
  let stderr = '';
  child.stdout!.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ status: code ?? signal!, stdout, stderr }));
  });
}

/** Runs a command against the sidecar of `daemon`. */
export function command(daemon: Daemon, ...args: readonly string[]): Promise<CommandResult> {
  return tallystick([...args, '--config', daemon.config]);
}

/** Runs a command with `--json` against the sidecar of `daemon`, and returns the value that it printed. */
export async function commandJson<T = Record<string, unknown>>(
  daemon: Daemon,
  ...args: readonly string[]
): Promise<{ status: CommandResult['status']; value: T }> {
  const { status, stdout, stderr } = await command(daemon, ...args, '--json');
  if (stdout === '') throw new Error(`${args.join(' ')} printed nothing; ${stderr}`);
  return { status, value: JSON.parse(stdout) as T };
}
