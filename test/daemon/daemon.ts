import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../servers/free-ports.ts';
import { FROM_SOURCES, startProgram, type Program } from './program.ts';

/** The issuer of every daemon that tests start, unless they say otherwise. */
export const ISSUER = 'https://tallystick.acme.example';
export const AUDIENCE = 'https://ledger.acme.example';
export const SERVICE = 'spiffe://acme.example/payments/close-batch';

/** Path of the command as it is shipped, where it was bundled before (bundle-first.ts). */
export const BUNDLED = process.env.TALLYSTICK_BUNDLE;
/** The arguments of Node for the command: bundled, or from its sources. */
export const TALLYSTICK: readonly string[] =
  BUNDLED === undefined
    ? [...FROM_SOURCES, fileURLToPath(new URL('../../sidecar/src/main.ts', import.meta.url))]
    : [BUNDLED];

/** How a daemon is started. */
export interface DaemonOptions {
  /** Identities and credentials as YAML; absent: one service with a token for {@link AUDIENCE}. */
  readonly registry?: string;
  /** The URL prefix of the default credential. */
  readonly use?: string;
  /** The lifetime of the default credential. */
  readonly lifetime?: string;
  readonly issuer?: string;
  /** Names of its workload sockets; absent: `app` alone. */
  readonly sockets?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** An existing folder to run in; absent: a new one, removed with the daemon. */
  readonly folder?: string;
  /** Changes the configuration before it is written. */
  readonly edit?: (config: string) => string;
  /** Leave the configuration that is in the folder as it is. */
  readonly keepConfig?: boolean;
  /** TCP ports of the public and the health listener; absent: free ones. */
  readonly ports?: readonly [number, number];
  /** The program and its arguments before `run`; absent: {@link TALLYSTICK} on this Node. */
  readonly command?: readonly [string, ...string[]];
  /** Arguments after `run`. */
  readonly args?: readonly string[];
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
  /** Path of its workload socket `app`. */
  readonly socket: string;
  /** Path of a workload socket. */
  socketNamed(name: string): string;
  readonly publicUrl: string;
  readonly healthUrl: string;
  readonly pid: number;
  /** Lines of its log so far. */
  readonly log: readonly Record<string, unknown>[];
  /** The lines of its descriptor 3. */
  readonly told: readonly string[];
  /** All that it wrote, as text. */
  output(): string;
  /** Resolves with the first log line, seen or to come, of this message; rejects when it ends before. */
  logged(message: string): Promise<Record<string, unknown>>;
  /** Resolves with the first log line to come of this message; rejects when it ends before. */
  nextLogged(message: string): Promise<Record<string, unknown>>;
  /** Resolves when it has ended: exit code or signal. */
  readonly ended: Promise<number | NodeJS.Signals>;
  kill(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>;
  /** Reads nothing more of its log: the pipe breaks. */
  stopReading(): void;
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
  const sockets = (options.sockets ?? ['app']).map((name) => `{ name: ${name}, path: ${socketPath(folder, name)} }`);
  const ports = options.ports ?? [await freePort(), await freePort()];
  const registry = options.registry ?? oneService(options.use ?? `${AUDIENCE}/`, options.lifetime ?? '15m');
  const text = `version: 1
trustDomain: acme.example
state: ${folder}/state
listen:
  workload: [${sockets.join(', ')}]
  admin: ${folder}/admin/admin.sock
  public: http://127.0.0.1:${ports[0]}
  health: http://127.0.0.1:${ports[1]}
issuer: { url: ${options.issuer ?? ISSUER}, signer: local }
${registry}`;
  if (!options.keepConfig) writeFileSync(config, options.edit?.(text) ?? text);
  const [file, ...before] = options.command ?? [process.execPath, ...TALLYSTICK];
  const program = startProgram({
    command: [file, ...before, 'run', '--config', config, ...(options.args ?? [])],
    cwd: folder,
    env: options.env ?? {},
    uid: options.uid,
  });
  const daemon = new DaemonProcess(program, folder, ports, options);
  if (!options.noWait) await daemon.logged('serving');
  return daemon;
}

function socketPath(folder: string, name: string): string {
  return join(folder, 'run', name, 'api.sock');
}

class DaemonProcess implements Daemon {
  readonly folder: string;
  readonly config: string;
  readonly socket: string;
  readonly publicUrl: string;
  readonly healthUrl: string;
  readonly #program: Program;
  readonly #ports: readonly [number, number];
  readonly #options: DaemonOptions;

  constructor(program: Program, folder: string, ports: readonly [number, number], options: DaemonOptions) {
    this.folder = folder;
    this.config = join(folder, 'tallystick.yaml');
    this.socket = this.socketNamed('app');
    this.publicUrl = `http://127.0.0.1:${ports[0]}`;
    this.healthUrl = `http://127.0.0.1:${ports[1]}`;
    this.#program = program;
    this.#ports = ports;
    this.#options = options;
  }

  get pid(): number {
    return this.#program.pid;
  }

  get log(): readonly Record<string, unknown>[] {
    return this.#program.lines;
  }

  get told(): readonly string[] {
    return this.#program.told;
  }

  get ended(): Promise<number | NodeJS.Signals> {
    return this.#program.ended;
  }

  socketNamed(name: string): string {
    return socketPath(this.folder, name);
  }

  output(): string {
    return this.#program.output();
  }

  logged(message: string): Promise<Record<string, unknown>> {
    return this.#program.line((line) => line.message === message);
  }

  nextLogged(message: string): Promise<Record<string, unknown>> {
    return this.#program.line((line) => line.message === message, this.log.length);
  }

  kill(signal: NodeJS.Signals): Promise<number | NodeJS.Signals> {
    return this.#program.kill(signal);
  }

  stopReading(): void {
    this.#program.stopReading();
  }

  again(options: Partial<DaemonOptions> = {}): Promise<Daemon> {
    return startDaemon({ ...this.#options, ports: this.#ports, ...options, folder: this.folder });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
    if (this.#options.folder === undefined) rmSync(this.folder, { recursive: true, force: true });
  }
}
