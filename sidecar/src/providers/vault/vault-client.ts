import type { Clock } from '@tallystick/core';
import { jsonOf, type UpstreamAnswer, type UpstreamHttp } from '../upstream-http.ts';
import { vaultRefusal } from './refusal.ts';

/** The members of an answer: none where it has no body. */
export type VaultMembers = Readonly<Record<string, unknown>>;

/** What each call needs beside its path. */
export interface VaultCall {
  /** Undefined: a login, which has none. */
  readonly token: string | undefined;
  readonly signal: AbortSignal;
}

/** Calls Vault's API. All methods throw `upstream_*`, or the reason of `signal`. */
export interface VaultClient {
  /** @param path Below `/v1/`. */
  read(path: string, call: VaultCall): Promise<VaultMembers>;
  write(path: string, body: object, call: VaultCall): Promise<VaultMembers>;
}

/** The inputs of {@link openVaultClient}. */
export interface VaultClientOptions {
  /** Name of the provider, for messages. */
  readonly name: string;
  /** URL that paths are below: `http://localhost` for a Unix socket. */
  readonly endpoint: string;
  readonly namespace: string | undefined;
  /** Says over which connections, at each call. */
  readonly http: () => UpstreamHttp;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** What node-vault asks its transport for. */
interface TransportRequest {
  readonly method: string;
  readonly uri: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly signal: AbortSignal;
}

/** Returns node-vault over our own connections. Loads it. */
export async function openVaultClient(options: VaultClientOptions): Promise<VaultClient> {
  const { name, endpoint, namespace, http, clock } = options;
  const { default: nodeVault } = await import('node-vault');

  const send = async ({ method, uri, headers, json, signal }: TransportRequest) => {
    signal.throwIfAborted();
    const isBody = typeof json === 'object';
    const answer = await http().send({
      method: method as 'GET' | 'POST',
      url: uri,
      headers: {
        ...headers,
        'X-Vault-Request': 'true',
        accept: 'application/json',
        ...(isBody && { 'content-type': 'application/json' }),
      },
      body: isBody ? JSON.stringify(json) : undefined,
      signal,
    });
    const { pathname } = new URL(uri);
    // Judged here: an error of node-vault would have the answer's body in it.
    return { statusCode: 200, body: bodyOf(name, pathname, answer, clock.nowMs()), request: { path: pathname } };
  };

  const client = nodeVault({
    endpoint,
    'request-promise': { defaults: () => send },
    // It prints bodies, tokens among them, where DEBUG asks for it.
    debug: () => {},
  });
  // What it takes from VAULT_TOKEN, VAULT_NAMESPACE and VAULT_PREFIX is not the configuration's.
  Object.assign(client, { token: '', namespace: namespace ?? '', pathPrefix: '' });

  // Headers are made for each call: node-vault writes the token into the object that it is given.
  const optionsOf = ({ token, signal }: VaultCall): object => ({
    headers: token === undefined ? {} : { 'X-Vault-Token': token },
    signal,
  });
  return {
    read: (path, call) => client.read(path, optionsOf(call)) as Promise<VaultMembers>,
    write: (path, body, call) => client.write(path, body, optionsOf(call)) as Promise<VaultMembers>,
  };
}

function bodyOf(name: string, pathname: string, answer: UpstreamAnswer, nowMs: number): VaultMembers {
  const what = pathname.replace(/^\/v1\//, '');
  if (answer.status === 204) return {};
  if (answer.status !== 200) throw vaultRefusal(name, what, answer, nowMs);
  return jsonOf(name, what, answer);
}
