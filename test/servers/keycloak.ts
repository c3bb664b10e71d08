import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keycloakHome } from './cache.ts';
import { freePorts } from './free-ports.ts';
import { FIRST_ADMINISTRATOR, startKeycloakProcess } from './keycloak-process.ts';
import { requireServer } from './require-server.ts';

/** A Keycloak with no realm but that of its administrators. Its issuers are plain http URLs. */
export interface Keycloak {
  /** `http://127.0.0.1:PORT`, the same after `up()`. */
  readonly url: string;
  readonly pid: number;
  /**
   * Calls its admin API, and returns what it answers: undefined for an answer without a body.
   *
   * @param path Below `/admin/`.
   * @throws {Error} It answered with another status than 2xx.
   */
  admin<Answer = void>(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Makes a realm, and returns the issuer that it is. */
  makeRealm(name: string, settings?: Readonly<Record<string, unknown>>): Promise<string>;
  /**
   * Makes a confidential client that gets tokens of its own: by client credentials, bound by DPoP, for `audience`.
   *
   * @param settings Added to its representation; `attributes` to those there are.
   */
  makeClient(realm: string, client: ClientSettings): Promise<void>;
  /** Ends the process; what it holds stays. */
  down(): Promise<void>;
  /** Starts it again after `down()`. */
  up(): Promise<void>;
  /** Ends it and removes what it stored. */
  stop(): Promise<void>;
}

/** What a client of a realm is. */
export interface ClientSettings {
  readonly clientId: string;
  readonly secret?: string;
  /** What its tokens are for. Absent: they name no audience of ours. */
  readonly audience?: string;
  /** Further attributes, such as `jwks.string`. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Further members of the representation, such as `clientAuthenticatorType`. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** Starts a Keycloak of its own for the caller, on a free port of 127.0.0.1. Give it a minute on a busy machine. */
export async function startKeycloak(): Promise<Keycloak> {
  requireServer('keycloak');
  const home = keycloakHome();
  const folder = await mkdtemp(join(tmpdir(), 'tallystick-keycloak-'));
  await copyFile(join(home, 'template', DATABASE), join(folder, DATABASE));
  const [port] = (await freePorts(1)) as [number];
  const url = `http://127.0.0.1:${port}`;
  const start = () => startKeycloakProcess({ home, folder, port });
  let server = await start();
  const token = administratorToken(url);

  const admin: Keycloak['admin'] = async (method, path, body) =>
    call(`${url}/admin/${path}`, {
      method,
      headers: { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  return {
    url,
    get pid() {
      return server.pid;
    },
    admin,
    async makeRealm(name, settings) {
      await admin('POST', 'realms', { realm: name, enabled: true, sslRequired: 'none', ...settings });
      return `${url}/realms/${name}`;
    },
    makeClient: (realm, client) => admin('POST', `realms/${realm}/clients`, representationOf(client)),
    down: () => server.stop('SIGTERM'),
    up: async () => void (server = await start()),
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const DATABASE = 'keycloakdb.mv.db';

function representationOf({ clientId, secret, audience, attributes, settings }: ClientSettings): object {
  const mapper = {
    name: 'audience',
    protocol: 'openid-connect',
    protocolMapper: 'oidc-audience-mapper',
    config: { 'included.custom.audience': audience, 'access.token.claim': 'true' },
  };
  return {
    clientId,
    ...(secret && { secret }),
    publicClient: false,
    serviceAccountsEnabled: true,
    standardFlowEnabled: false,
    ...(audience && { protocolMappers: [mapper] }),
    ...settings,
    attributes: { 'dpop.bound.access.tokens': 'true', ...attributes },
  };
}

/** Returns what gives a token of its administrator. One lives a minute, and costs as much as the call that it is for. */
function administratorToken(url: string): () => Promise<string> {
  let held: { readonly token: string; readonly untilMs: number } | undefined;
  return async () => {
    if (held && performance.now() < held.untilMs) return held.token;
    const untilMs = performance.now() + 30_000;
    const answer = await call<{ readonly access_token: string }>(`${url}/realms/master/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', ...FIRST_ADMINISTRATOR }),
    });
    held = { token: answer.access_token, untilMs };
    return held.token;
  };
}

async function call<Answer>(url: string, request: RequestInit): Promise<Answer> {
  const response = await fetch(url, request);
  const text = await response.text();
  if (!response.ok) throw new Error(`keycloak answered ${response.status} to ${request.method} ${url}: ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as Answer;
}
