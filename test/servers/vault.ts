import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './free-ports.ts';
import { requireServer } from './require-server.ts';
import { startServerProcess, type ServerProcess } from './server-process.ts';

/** A HashiCorp Vault, initialised and unsealed, with nothing mounted but what every Vault has. */
export interface Vault {
  /** `http://127.0.0.1:PORT`, the same after `up()`. */
  readonly url: string;
  /** `https://127.0.0.1:PORT` where `tls` was given. */
  readonly tlsUrl: string | undefined;
  readonly rootToken: string;
  readonly pid: number;
  /**
   * Calls its API and returns what it answers: undefined for an answer without a body.
   *
   * @param path Below `/v1/`.
   * @param token Default: the root token.
   * @throws {VaultRefusal} It answered with another status than 2xx.
   */
  call<Answer = void>(method: string, path: string, body?: unknown, token?: string): Promise<Answer>;
  seal(): Promise<void>;
  unseal(): Promise<void>;
  /** Ends the process; what `file` storage holds stays. */
  down(): Promise<void>;
  /** Starts it again after `down()`, on the same ports, and unseals it. */
  up(): Promise<void>;
  /** Ends it and removes what it stored. */
  stop(): Promise<void>;
}

/** How a Vault is to be. */
export interface VaultOptions {
  /** Where it keeps what it knows: `memory` (the default) forgets it with `down()`. */
  readonly storage?: 'memory' | 'file';
  /** PEM. It listens with TLS too. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Absolute path of a socket that it listens on too. */
  readonly unixSocket?: string;
}

/** What Vault says no with. */
export class VaultRefusal extends Error {
  override readonly name = 'VaultRefusal';
  readonly status: number;

  constructor(status: number, what: string) {
    super(`vault answered ${status} to ${what}`);
    this.status = status;
  }
}

/** Starts a Vault of its own for the caller, on free ports of 127.0.0.1. */
export async function startVault(options: VaultOptions = {}): Promise<Vault> {
  const binary = requireServer('vault');
  const folder = await mkdtemp(join(tmpdir(), 'tallystick-vault-'));
  const [port, tlsPort] = (await freePorts(2)) as [number, number];
  const url = `http://127.0.0.1:${port}`;
  const config = join(folder, 'vault.json');
  await writeFile(config, JSON.stringify(await configuration(options, folder, port, tlsPort)), { mode: 0o600 });

  const start = (): Promise<ServerProcess> =>
    startServerProcess(binary, ['server', `-config=${config}`], (line) => line.includes('Vault server started!'));
  let server = await start();
  const { keys_base64, root_token: rootToken } = await call<{
    readonly keys_base64: readonly [string];
    readonly root_token: string;
  }>(url, 'PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 });
  const unseal = (): Promise<void> => call(url, 'PUT', 'sys/unseal', { key: keys_base64[0] });
  await unseal();

  return {
    url,
    tlsUrl: options.tls && `https://127.0.0.1:${tlsPort}`,
    rootToken,
    get pid() {
      return server.pid;
    },
    call: (method, path, body, token = rootToken) => call(url, method, path, body, token),
    seal: () => call(url, 'PUT', 'sys/seal', undefined, rootToken),
    unseal,
    down: () => server.stop('SIGTERM'),
    up: async () => {
      server = await start();
      await unseal();
    },
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function configuration(
  { storage = 'memory', tls, unixSocket }: VaultOptions,
  folder: string,
  port: number,
  tlsPort: number,
): Promise<object> {
  const listeners: object[] = [{ tcp: { address: `127.0.0.1:${port}`, tls_disable: true } }];
  if (tls) {
    const [certificate, key] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
    await writeFile(certificate, tls.certificate);
    await writeFile(key, tls.key, { mode: 0o600 });
    listeners.push({ tcp: { address: `127.0.0.1:${tlsPort}`, tls_cert_file: certificate, tls_key_file: key } });
  }
  if (unixSocket) listeners.push({ unix: { address: unixSocket } });
  return {
    storage: storage === 'file' ? { file: { path: join(folder, 'storage') } } : { inmem: {} },
    listener: listeners,
    api_addr: `http://127.0.0.1:${port}`,
    // Locking memory takes a privilege that tests need not have.
    disable_mlock: true,
  };
}

async function call<Answer>(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  token?: string,
): Promise<Answer> {
  const response = await fetch(`${url}/v1/${path}`, {
    method,
    headers: { 'x-vault-request': 'true', ...(token && { 'x-vault-token': token }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new VaultRefusal(response.status, `${method} ${path}: ${text.trim()}`);
  return (text === '' ? undefined : JSON.parse(text)) as Answer;
}
