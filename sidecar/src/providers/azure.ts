import { parseDurationMs } from '@tallystick/core';
import { amiss, type Path, type Report } from '../config/fault.ts';
import { ABSOLUTE_PATH } from '../config/file-path.ts';
import { defaulted, object, optional, required } from '../config/object-shape.ts';
import { choice, text, type TextOptions, type TypeOf } from '../config/shape.ts';
import { UPSTREAM_ADDRESS } from '../config/upstream-address.ts';
import { UPSTREAM_CREDENTIAL } from '../config/upstream-credential.ts';
import type { ProviderKind } from './provider.ts';

/** A GUID, or a domain of the tenant. What stands for many tenants (`common`) signs nobody in here. */
const TENANT: TextOptions = {
  is: 'a tenant',
  write: 'the id of the tenant, or one of its domains such as acme.onmicrosoft.com',
  pattern: /^[0-9a-z]([0-9a-z-]{0,61}[0-9a-z])?(\.[0-9a-z]([0-9a-z-]{0,61}[0-9a-z])?)*$/u,
  check: (written) => (/^(common|organizations|consumers)$/.test(written) ? 'it stands for many tenants' : undefined),
};

const CLIENT: TextOptions = {
  is: 'the id of an application',
  write: 'the application (client) id, such as 11111111-2222-3333-4444-555555555555',
  pattern: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/u,
};

/** Client credentials have all that was consented to, and no part of it. */
const DEFAULT_SCOPE: TextOptions = {
  is: 'a scope that an application can have for itself',
  write: 'the resource and /.default, such as https://graph.microsoft.com/.default or api://ledger/.default',
  pattern: /^[\x21\x23-\x5b\x5d-\x7e]{1,255}\/\.default$/u,
};

const SECRET: TextOptions = {
  is: 'the name of a secret',
  write: 'a name of letters, digits and "-"',
  pattern: /^[0-9A-Za-z-]{1,127}$/u,
};

const VERSION: TextOptions = {
  is: 'a version of a secret',
  write: 'the 32 hexadecimal digits of a version, in quotes',
  pattern: /^[0-9a-f]{32}$/u,
};

const SETTINGS = object({
  type: required(choice(['azure']), 'Microsoft Entra, by federated credentials.', 'azure'),
  tenant: required(text(TENANT), 'The tenant.', '00000000-1111-2222-3333-444444444444'),
  client: optional(text(CLIENT), 'The application of credentials that name none.'),
  authority: defaulted(
    text(UPSTREAM_ADDRESS),
    'https://login.microsoftonline.com',
    'Where Entra answers, where that is a national cloud.',
  ),
  ca: optional(text(ABSOLUTE_PATH), 'PEM of the authorities that its certificates are verified by.'),
});

/** One value of `providers`. */
export type AzureSettings = TypeOf<typeof SETTINGS>;

const CREDENTIAL = object({
  ...UPSTREAM_CREDENTIAL,
  client: optional(text(CLIENT), 'The application, where it is not the one of the provider.'),
  scope: optional(text(DEFAULT_SCOPE), 'The resource that the access token is for, with "/.default".'),
  vault: optional(
    text(UPSTREAM_ADDRESS),
    'The address of a key vault, whose secret is handed out in the place of a token.',
  ),
  secret: optional(text(SECRET), 'The name of the secret in it.'),
  version: optional(text(VERSION), 'The version of the secret. Default: the newest.'),
  format: defaulted(
    choice(['text', 'json']),
    'text',
    'Whether the secret is one value, or the members of a JSON object are.',
  ),
});

/** One value of `credentials`. */
export type AzureWanted = TypeOf<typeof CREDENTIAL>;

/** Entra gives tokens of 60 to 90 minutes. */
const DEFAULT_LIFETIME_MS = parseDurationMs('1h')!;
/** Microsoft's libraries ask anew when five minutes are left. */
const FLOOR_MS = parseDurationMs('6m')!;

/** Microsoft Entra: access tokens of applications, and secrets of key vaults. */
export const azureKind: ProviderKind<AzureSettings, AzureWanted> = {
  type: 'azure',
  settings: SETTINGS,
  credential: CREDENTIAL,
  needsFederation: () => true,
  describe: ({ secret, scope }) =>
    secret === undefined
      ? {
          type: 'azure',
          binding: 'none',
          holders: 'shared',
          audience: scope?.slice(0, -'/.default'.length),
          scope: scope === undefined ? [] : [scope],
          defaultLifetimeMs: DEFAULT_LIFETIME_MS,
          floorMs: FLOOR_MS,
        }
      : { type: 'secret', binding: 'none', holders: 'shared', defaultLifetimeMs: DEFAULT_LIFETIME_MS },
  judge(wanted, { client }, at, report) {
    if ((wanted.client ?? client) === undefined) {
      amiss(report, at, 'lacks "client"', 'add the application id, here or as "client" of the provider');
    }
    judgeTarget(wanted, at, report);
    judgeLifetime(wanted, at, report);
  },
  async open(settings, context) {
    const { openAzure } = await import('./azure/open-azure.ts');
    return openAzure(settings, context);
  },
};

function judgeTarget({ scope, vault, secret }: AzureWanted, at: Path, report: Report): void {
  if ((vault === undefined) !== (secret === undefined)) {
    amiss(report, at, 'has one of "vault" and "secret"', 'give both, or none for a token');
  } else if ((scope === undefined) === (secret === undefined)) {
    amiss(report, at, 'is for a token and a secret, or for none', 'give "scope", or "vault" and "secret"');
  }
}

function judgeLifetime({ lifetime, secret }: AzureWanted, at: Path, report: Report): void {
  if (lifetime === undefined || secret !== undefined) return;
  const ms = parseDurationMs(lifetime)!;
  const refuse = (message: string, remedy: string): void => amiss(report, [...at, 'lifetime'], message, remedy);
  if (ms < 2 * FLOOR_MS) refuse('is below 12m, twice what libraries of Microsoft need left', 'write 12m or more');
  if (ms > DEFAULT_LIFETIME_MS) refuse('is above the 1h that Entra gives for certain', 'write 1h or less');
}
