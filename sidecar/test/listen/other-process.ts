import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** True when processes of other users can be made. In CI they must be. */
export const isRoot = process.getuid?.() === 0;
if (!isRoot) {
  if (process.env['CI']) throw new Error('run these tests as root: they make processes of other users');
  console.warn('not root: what is tested with processes of other users is skipped');
}

/** A Node process of its own that runs `code` and speaks in lines. */
export class OtherProcess {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly ended: Promise<unknown>;

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
    this.ended = once(this.#child, 'close');
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Returns the next line that it prints. */
  async hear(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the other process ended without a word');
    return value;
  }

  say(line: string): void {
    this.#child.stdin!.write(`${line}\n`);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#child.kill(signal);
    await this.ended;
  }
}

/** What a process is to be. */
export interface OtherProcessOptions {
  uid?: number;
  gid?: number;
  /** Reaches `code` as `args`. */
  args?: readonly string[];
}

/**
 * Starts a process. `code` has `net`, `args`, `say(line)`, `onLine(callback)`, and runs with the user and group given:
 * taken after the start, so that the Node binary may lie where only root can read.
 */
export function startProcess(code: string, options: OtherProcessOptions = {}): OtherProcess {
  return new OtherProcess(process.execPath, nodeArguments(code, options));
}

function nodeArguments(code: string, { uid, gid, args = [] }: OtherProcessOptions): string[] {
  const prelude = `
    const net = require('node:net');
    const args = process.argv.slice(1);
    const say = (line) => process.stdout.write(line + '\\n');
    const onLine = (callback) => require('node:readline').createInterface({ input: process.stdin }).on('line', callback);
    ${gid === undefined ? '' : `process.setgroups([]); process.setgid(${gid});`}
    ${uid === undefined ? '' : `process.setuid(${uid});`}
  `;
  return ['-e', prelude + code, '--', ...args];
}

/** Connects to the socket args[0] and says so; ends when told. */
export const CONNECT = `
  const socket = net.connect(args[0], () => say('connected'));
  socket.on('error', (error) => say(error.code));
  socket.on('close', () => say('closed'));
  onLine(() => process.exit());
`;
