import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The issuer of every daemon that tests start, unless they say otherwise. */
export const ISSUER = 'https://tallystick.acme.example';
export const AUDIENCE = 'https://ledger.acme.example';
export const SERVICE = 'spiffe://acme.example/payments/close-batch';

/** The command, from its sources. */
export const TALLYSTICK: readonly string[] = [
  '--conditions=@tallystick/source',
  '--disable-warning=ExperimentalWarning',
  fileURLToPath(new URL('../../sidecar/src/main.ts', import.meta.url)),
];

/** How a daemon is started. */
export interface DaemonOptions {
  /** Identities and credentials as YAML; absent: one service with a token for {@link AUDIENCE}. */
  readonly registry?: string;
  /** The URL prefix of the default credential. */
  readonly use?: string;
  /** The lifetime of the default credential. */
  readonly lifetime?: string;
  readonly issuer?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** An existing folder to run in; absent: a new one, removed with the daemon. */
  readonly folder?: string;
  /** The program and its arguments before `run`; absent: {@link TALLYSTICK} on this Node. */
  readonly command?: readonly [string, ...string[]];
  /** The user to run as; the folder is made theirs by the caller. */
  readonly uid?: number;
  /** Do not wait until it serves. */
  readonly noWait?: boolean;
}

/** A sidecar as a process of its own. */
export interface Daemon {
  readonly folder: string;
  /** Path of its configuration. */
  readonly config: string;
  /** Path of its workload socket. */
  readonly socket: string;
  readonly publicUrl: string;
  readonly healthUrl: string;
  readonly pid: number;
  /** Lines of its log so far. */
  readonly log: readonly Record<string, unknown>[];
  /** All that it wrote, as text. */
  output(): string;
  /** Resolves with the first log line, seen or to come, of this message; rejects when it ends before. */
  logged(message: string): Promise<Record<string, unknown>>;
  /** Resolves when it has ended: exit code or signal. */
  readonly ended: Promise<number | NodeJS.Signals>;
  kill(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>;
  /** Starts another over the same folder; this one must have ended. */
  again(options?: Partial<DaemonOptions>): Promise<Daemon>;
  /** Ends it if it runs, and removes its folder. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The default registry of a daemon. */
export function oneService(use: string, lifetime: string): string {
  return `identities:
  - id: ${SERVICE}
    owner: team-payments
    purpose: posts the month-end journal
    environment: test
    businessProcesses: [BP-1042]
    expires: ${new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10)}
    match: [tallystick:socket:app]
    receives: [${AUDIENCE}]
    entitlements: [ledger-api]
credentials:
  ledger-api: { provider: issuer, audience: ${AUDIENCE}, scope: journal.write, lifetime: ${lifetime}, use: [${use}] }
`;
}

/** Starts a daemon and waits until it serves. */
export async function startDaemon(options: DaemonOptions = {}): Promise<Daemon> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'tallystick-daemon-'));
  const config = join(folder, 'tallystick.yaml');
  const socket = join(folder, 'run/app/api.sock');
  const [publicPort, healthPort] = await Promise.all([freePort(), freePort()]);
  const registry = options.registry ?? oneService(options.use ?? `${AUDIENCE}/`, options.lifetime ?? '15m');
  writeFileSync(
    config,
    `version: 1
trustDomain: acme.example
state: ${folder}/state
listen:
  workload: [{ name: app, path: ${socket} }]
  admin: ${folder}/admin/admin.sock
  public: http://127.0.0.1:${publicPort}
  health: http://127.0.0.1:${healthPort}
issuer: { url: ${options.issuer ?? ISSUER}, signer: local }
${registry}`,
  );
  const [program, ...before] = options.command ?? [process.execPath, ...TALLYSTICK];
  const child = spawn(program, [...before, 'run', '--config', config], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.uid !== undefined && { uid: options.uid, gid: options.uid }),
  });
  const daemon = new DaemonProcess(child, { folder, config, socket, publicPort, healthPort, options });
  if (!options.noWait) await daemon.logged('serving');
  return daemon;
}

/** Returns a TCP port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

class DaemonProcess implements Daemon {
  readonly folder: string;
  readonly config: string;
  readonly socket: string;
  readonly publicUrl: string;
  readonly healthUrl: string;
  readonly pid: number;
  readonly log: Record<string, unknown>[] = [];
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly #child: ChildProcess;
  readonly #options: DaemonOptions;
  readonly #wakes = new Set<() => void>();
  #over = false;
  #text = '';

  constructor(
    child: ChildProcess,
    place: {
      folder: string;
      config: string;
      socket: string;
      publicPort: number;
      healthPort: number;
      options: DaemonOptions;
    },
  ) {
    this.folder = place.folder;
    this.config = place.config;
    this.socket = place.socket;
    this.publicUrl = `http://127.0.0.1:${place.publicPort}`;
    this.healthUrl = `http://127.0.0.1:${place.healthPort}`;
    this.#options = place.options;
    this.#child = child;
    this.pid = child.pid!;
    running.add(child);
    child.stdout!.on('data', (chunk: Buffer) => (this.#text += chunk.toString()));
    createInterface({ input: child.stderr! }).on('line', (line) => {
      this.#text += `${line}\n`;
      try {
        this.log.push(JSON.parse(line) as Record<string, unknown>);
      } catch {
        // What it says before its log is there: kept in the text.
      }
      for (const wake of this.#wakes) wake();
    });
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        running.delete(child);
        this.#over = true;
        resolve(code ?? signal!);
        for (const wake of this.#wakes) wake();
      });
    });
  }

  output(): string {
    return this.#text;
  }

  async logged(message: string): Promise<Record<string, unknown>> {
    const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>();
    const look = (): void => {
      const found = this.log.find((line) => line.message === message);
      if (found) resolve(found);
      else if (this.#over) reject(new Error(`the daemon ended before "${message}":\n${this.#text}`));
    };
    this.#wakes.add(look);
    look();
    return promise.finally(() => this.#wakes.delete(look));
  }

  kill(signal: NodeJS.Signals): Promise<number | NodeJS.Signals> {
    this.#child.kill(signal);
    return this.ended;
  }

  again(options: Partial<DaemonOptions> = {}): Promise<Daemon> {
    return startDaemon({ ...this.#options, ...options, folder: this.folder });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#over) await this.kill('SIGKILL');
    if (this.#options.folder === undefined) rmSync(this.folder, { recursive: true, force: true });
  }
}
