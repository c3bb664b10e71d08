import { isLoopbackHost } from '@tallystick/core';
import { ABSOLUTE_PATH } from '../config/file-path.ts';
import { amiss, type Path, type Report } from '../config/fault.ts';
import { defaulted, object, optional, required } from '../config/object-shape.ts';
import { choice, integer, list, text, type Draft, type Shape, type TextOptions, type TypeOf } from '../config/shape.ts';
import { DNS_NAME } from '../config/texts.ts';
import { UPSTREAM_CREDENTIAL } from '../config/upstream-credential.ts';
import type { CredentialTraits, ProviderKind } from './provider.ts';
import { ENGINES, usualEngine, type Engine } from './vault/path.ts';

const ADDRESS: TextOptions = {
  is: 'the address of a Vault',
  write: 'https and a host, such as https://vault.acme.example:8200, or unix:// and the path of a socket',
  pattern: /^(https?:\/\/[^\s/?#@\\]+|unix:\/\/\/[^\p{Cc}\p{Cs}]+)$/u,
  check: (given) => {
    if (given.startsWith('unix:')) return undefined;
    if (!URL.canParse(given)) return 'it is malformed';
    const { protocol, hostname } = new URL(given);
    return protocol === 'https:' || isLoopbackHost(hostname) ? undefined : 'plain http is for loopback alone';
  },
};

/** A path below `/v1/`. Spaces are refused, and what a proxy might read as another path. */
const VAULT_PATH: TextOptions = {
  is: 'a path of Vault',
  write: 'mount and path without "/" at either end, such as database/creds/ledger-writer',
  pattern: /^[A-Za-z0-9._~@:+=-]+(\/[A-Za-z0-9._~@:+=-]+)+$/u,
  check: (given) => (/(^|\/)\.{1,2}(\/|$)/.test(given) ? 'it has a "." or ".." in it' : undefined),
};

const MOUNT: TextOptions = {
  is: 'the path of a mount',
  write: 'a path without "/" at either end, such as kubernetes or jwt/eu',
  pattern: /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/u,
};

const VAULT_NAME: TextOptions = {
  is: 'a name in Vault',
  write: 'a name of 1 to 128 of A-Z, a-z, 0-9, ".", "_" and "-"',
  pattern: /^[A-Za-z0-9._-]{1,128}$/u,
};

const AUDIENCE: TextOptions = {
  is: 'an audience',
  write: 'one of "bound_audiences" of the role, such as https://vault.acme.example',
  pattern: /^[\x21-\x7e]{1,255}$/u,
};

const FIELD: TextOptions = {
  is: 'the name of a field',
  write: 'the name of a field of the secret, on one line',
  pattern: /^[^\p{Cc}\p{Cs}]{1,256}$/u,
};

const COMMON_NAME: TextOptions = {
  is: 'a common name',
  write: '1 to 64 printable ASCII characters',
  pattern: /^[\x20-\x7e]{1,64}$/u,
};

const PRINCIPAL: TextOptions = {
  is: 'a principal',
  write: 'the name of a user, such as deploy',
  pattern: /^[A-Za-z0-9._@-]{1,128}$/u,
};

/** Where Kubernetes puts the token of a pod. */
export const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

const AUTH_MEMBERS = object({
  method: required(
    choice(['jwt', 'approle', 'kubernetes', 'cert', 'token']),
    'How the sidecar signs in: by a JWT of its "federation" (jwt), or by what a file has.',
    'jwt',
  ),
  mount: optional(text(MOUNT), 'Where the method is mounted below auth/. Default: its own name.'),
  role: optional(text(VAULT_NAME), 'The role; for cert the name of the entry.'),
  audience: optional(text(AUDIENCE), 'For jwt: the "aud" of the tokens. Default: "address".'),
  roleId: optional(text(VAULT_NAME), 'For approle: the role id.'),
  secretIdFile: optional(text(ABSOLUTE_PATH), 'For approle: the file of the secret id. It is read at each login.'),
  tokenFile: optional(
    text(ABSOLUTE_PATH),
    `For kubernetes and token: the file of the token. It is read at each login. Default for kubernetes: ${SERVICE_ACCOUNT_TOKEN}.`,
  ),
});

type AuthValue = TypeOf<typeof AUTH_MEMBERS>;

const AUTH: Shape<AuthValue> = {
  ...AUTH_MEMBERS,
  read(value, path, report) {
    const auth = AUTH_MEMBERS.read(value, path, report);
    if (auth) judgeAuth(auth, path, report);
    return auth;
  },
};

/** The keys that each method must have, and those that it may. */
const AUTH_KEYS: Readonly<Record<string, readonly [required: readonly string[], optional: readonly string[]]>> = {
  jwt: [['role'], ['audience']],
  approle: [['roleId'], ['secretIdFile']],
  kubernetes: [['role'], ['tokenFile']],
  cert: [[], ['role']],
  token: [['tokenFile'], []],
};

function judgeAuth(auth: Draft<AuthValue>, path: Path, report: Report): void {
  const { method, mount: _, ...others } = auth;
  const keys = method && AUTH_KEYS[method];
  if (!keys) return;
  const [needed, possible] = keys;
  const given = Object.entries(others).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  for (const name of needed.filter((each) => !given.includes(each))) {
    amiss(report, path, `lacks "${name}"`, `add it: method ${method} needs it`);
  }
  for (const name of given.filter((each) => !needed.includes(each) && !possible.includes(each))) {
    amiss(report, [...path, name], `is not read by method ${method}`, 'remove it, or use another method');
  }
}

const SETTINGS_MEMBERS = object({
  type: required(choice(['vault']), 'HashiCorp Vault or OpenBao.', 'vault'),
  address: required(text(ADDRESS), 'Where it is: https, or the Unix socket of an agent.', 'https://vault.acme.example'),
  namespace: optional(text(MOUNT), 'The namespace that all of it is in.'),
  auth: required(AUTH, 'How the sidecar signs in.', '{ method: jwt, role: tallystick }'),
  tls: defaulted(
    object({
      ca: optional(text(ABSOLUTE_PATH), 'PEM file of the authorities of its certificate. Default: those of Node.'),
      certificate: optional(text(ABSOLUTE_PATH), 'PEM file of the sidecar’s own certificate.'),
      key: optional(text(ABSOLUTE_PATH), 'PEM file of its private key.'),
    }),
    { ca: undefined, certificate: undefined, key: undefined },
    'Certificates of the connection. Read at each login.',
  ),
  auditDevice: optional(
    text(MOUNT),
    'Path of an audit device: then records have the HMAC by which its log knows a lease of Vault.',
  ),
});

/** One value of `providers`. */
export type VaultSettings = TypeOf<typeof SETTINGS_MEMBERS>;

const SETTINGS: Shape<VaultSettings> = {
  ...SETTINGS_MEMBERS,
  read(value, path, report) {
    const settings = SETTINGS_MEMBERS.read(value, path, report);
    if (settings?.tls) judgeTls(settings, path, report);
    return settings;
  },
};

function judgeTls({ address, auth, tls }: Draft<VaultSettings>, path: Path, report: Report): void {
  const { ca, certificate, key } = tls!;
  if ((certificate === undefined) !== (key === undefined)) {
    amiss(report, [...path, 'tls'], 'has one of "certificate" and "key"', 'give both, or neither');
  }
  if (auth?.method === 'cert' && certificate === undefined) {
    amiss(report, path, 'lacks "tls.certificate"', 'add it: method cert signs in by it');
  }
  const isTls = address === undefined || address.startsWith('https:');
  if (!isTls && [ca, certificate, key].some((file) => file !== undefined)) {
    amiss(report, [...path, 'tls'], 'is of an address without TLS', 'remove it, or give an address with https');
  }
}

const CREDENTIAL = object({
  ...UPSTREAM_CREDENTIAL,
  path: required(
    text(VAULT_PATH),
    'What is asked for: the path as its engine documents it; of KV the mount and the name of the secret.',
    'database/creds/ledger-writer',
  ),
  engine: optional(
    choice(ENGINES),
    'The engine behind the path. Default: what its mount is called, where that is a usual name.',
  ),
  version: optional(integer({ min: 1, max: 1_000_000_000 }), 'For kv (version 2): which version. Default: the latest.'),
  fields: defaulted(
    list(text(FIELD), { distinct: true }),
    [],
    'For kv and generic: the fields that are handed out. Default: all.',
  ),
  commonName: optional(text(COMMON_NAME), 'For pki: the common name of the subject.'),
  dnsNames: defaulted(
    list(text(DNS_NAME), { distinct: true }),
    [],
    'For pki: DNS names, beside the SPIFFE ID of the identity.',
  ),
  principals: defaulted(list(text(PRINCIPAL), { distinct: true }), [], 'For ssh: the users that it is for.'),
});

/** One value of `credentials`. */
export type VaultWanted = TypeOf<typeof CREDENTIAL>;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** What each engine gives. */
const TRAITS: Readonly<Record<Engine, CredentialTraits>> = {
  kv: { type: 'secret', binding: 'none', holders: 'shared', defaultLifetimeMs: 15 * MINUTE_MS },
  database: { type: 'database', binding: 'none', holders: 'shared', defaultLifetimeMs: HOUR_MS, isExtended: true },
  pki: { type: 'x509', binding: 'mtls', holders: 'own', defaultLifetimeMs: 24 * HOUR_MS },
  ssh: { type: 'ssh', binding: 'none', holders: 'own', defaultLifetimeMs: 30 * MINUTE_MS },
  aws: { type: 'aws', binding: 'sigv4', holders: 'shared', defaultLifetimeMs: HOUR_MS, floorMs: 20 * MINUTE_MS },
  gcp: { type: 'gcp', binding: 'none', holders: 'shared', defaultLifetimeMs: HOUR_MS, floorMs: 6 * MINUTE_MS },
  azure: { type: 'secret', binding: 'none', holders: 'shared', defaultLifetimeMs: HOUR_MS, isExtended: true },
  generic: { type: 'secret', binding: 'none', holders: 'shared', defaultLifetimeMs: HOUR_MS, isExtended: true },
};

/** Keys that are of some engines alone. */
const OF_ENGINES: readonly (readonly [keyof VaultWanted, readonly Engine[]])[] = [
  ['version', ['kv']],
  ['fields', ['kv', 'generic', 'azure']],
  ['commonName', ['pki']],
  ['dnsNames', ['pki']],
  ['principals', ['ssh']],
];

/** HashiCorp Vault and OpenBao: each credential by a token of its own, which is named after the lease. */
export const vaultKind: ProviderKind<VaultSettings, VaultWanted> = {
  type: 'vault',
  settings: SETTINGS,
  credential: CREDENTIAL,
  needsFederation: ({ auth }) => auth.method === 'jwt',
  describe: (wanted) => TRAITS[engineOf(wanted)],
  judge(wanted, _settings, at, report) {
    if ((wanted.engine ?? usualEngine(wanted.path)) === undefined) {
      amiss(
        report,
        at,
        'lacks "engine"',
        `add it: one of ${ENGINES.join(', ')}; the name of the mount does not tell it`,
      );
      return;
    }
    const engine = engineOf(wanted);
    for (const [key, engines] of OF_ENGINES) {
      const value = wanted[key];
      const isGiven = Array.isArray(value) ? value.length > 0 : value !== undefined;
      if (isGiven && !engines.includes(engine)) {
        amiss(report, [...at, key], `is not for the engine ${engine}`, 'remove it, or correct "engine"');
      }
    }
  },
  async open(settings, context) {
    const { openVault } = await import('./vault/open-vault.ts');
    return openVault(settings, context);
  },
};

/** Returns the engine of a credential. What has none is refused by `judge`, and described as `generic` until then. */
export function engineOf({ engine, path }: Pick<VaultWanted, 'engine' | 'path'>): Engine {
  return engine ?? usualEngine(path) ?? 'generic';
}
