import { parseDurationMs } from '@tallystick/core';
import { amiss, type Path, type Report } from '../config/fault.ts';
import { ABSOLUTE_PATH } from '../config/file-path.ts';
import { defaulted, object, optional, required } from '../config/object-shape.ts';
import { choice, text, type TextOptions, type TypeOf } from '../config/shape.ts';
import { SCOPE } from '../config/texts.ts';
import { UPSTREAM_ADDRESS } from '../config/upstream-address.ts';
import { UPSTREAM_CREDENTIAL } from '../config/upstream-credential.ts';
import type { ProviderKind } from './provider.ts';

/** Full resource name of a provider of a workload identity pool. */
const POOL_PROVIDER: TextOptions = {
  is: 'the name of a workload identity provider',
  write:
    '//iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER, with the number of the project',
  pattern:
    /^\/\/iam\.googleapis\.com\/projects\/[0-9]{1,19}\/locations\/global\/workloadIdentityPools\/[a-z0-9-]{4,32}\/providers\/[a-z0-9-]{4,32}$/u,
};

const SERVICE_ACCOUNT: TextOptions = {
  is: 'the address of a service account',
  write: 'an address such as reports@acme-prod.iam.gserviceaccount.com',
  pattern: /^[a-z0-9][a-z0-9-]{0,62}@[a-z0-9][a-z0-9.-]{0,100}\.gserviceaccount\.com$/u,
};

const SECRET: TextOptions = {
  is: 'the name of a secret',
  write: 'projects/PROJECT/secrets/SECRET',
  pattern: /^projects\/[a-z0-9][a-z0-9:.-]{0,62}\/secrets\/[A-Za-z0-9_-]{1,255}$/u,
};

const VERSION: TextOptions = {
  is: 'a version of a secret',
  write: '"latest", a number in quotes, or an alias',
  pattern: /^[A-Za-z0-9_-]{1,63}$/u,
};

const ENDPOINTS = {
  sts: 'https://sts.googleapis.com',
  iamCredentials: 'https://iamcredentials.googleapis.com',
  secretManager: 'https://secretmanager.googleapis.com',
};

const SETTINGS = object({
  type: required(choice(['gcp']), 'Google Cloud, by workload identity federation.', 'gcp'),
  audience: required(
    text(POOL_PROVIDER),
    'The workload identity provider that trusts "federation".',
    '//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/tallystick/providers/tallystick',
  ),
  endpoints: defaulted(
    object({
      sts: defaulted(text(UPSTREAM_ADDRESS), ENDPOINTS.sts, 'The Security Token Service.'),
      iamCredentials: defaulted(
        text(UPSTREAM_ADDRESS),
        ENDPOINTS.iamCredentials,
        'The IAM Service Account Credentials.',
      ),
      secretManager: defaulted(text(UPSTREAM_ADDRESS), ENDPOINTS.secretManager, 'Secret Manager.'),
    }),
    ENDPOINTS,
    'Where Google answers, where that is not its public address: Private Service Connect, or a region of Secret Manager.',
  ),
  ca: optional(text(ABSOLUTE_PATH), 'PEM of the authorities that its certificates are verified by.'),
});

/** One value of `providers`. */
export type GcpSettings = TypeOf<typeof SETTINGS>;

const CREDENTIAL = object({
  ...UPSTREAM_CREDENTIAL,
  serviceAccount: optional(
    text(SERVICE_ACCOUNT),
    'The service account to act as. Without it the federated principal itself is given the rights.',
  ),
  scope: defaulted(
    text(SCOPE),
    'https://www.googleapis.com/auth/cloud-platform',
    'Scope values of the access token: the bounds of what IAM allows.',
  ),
  secret: optional(text(SECRET), 'A secret of Secret Manager, which is handed out in the place of a token.'),
  version: defaulted(text(VERSION), 'latest', 'The version of the secret.'),
  format: defaulted(
    choice(['text', 'json']),
    'text',
    'Whether the secret is one value, or the members of a JSON object are.',
  ),
});

/** One value of `credentials`. */
export type GcpWanted = TypeOf<typeof CREDENTIAL>;

/** Google's own, and what a token of a service account gets without a policy of the organisation. */
const DEFAULT_LIFETIME_MS = parseDurationMs('1h')!;
/** What that policy can allow (`constraints/iam.allowServiceAccountCredentialLifetimeExtension`). */
const MAX_LIFETIME_MS = parseDurationMs('12h')!;
/** Google's libraries ask anew when five minutes are left. */
const FLOOR_MS = parseDurationMs('6m')!;

/** Google Cloud: access tokens of federated principals and service accounts, and secrets. */
export const gcpKind: ProviderKind<GcpSettings, GcpWanted> = {
  type: 'gcp',
  settings: SETTINGS,
  credential: CREDENTIAL,
  needsFederation: () => true,
  describe: ({ secret, scope }) =>
    secret === undefined
      ? {
          type: 'gcp',
          binding: 'none',
          holders: 'shared',
          scope: scope
            .split(' ')
            .filter((value) => value !== '')
            .sort(),
          defaultLifetimeMs: DEFAULT_LIFETIME_MS,
          floorMs: FLOOR_MS,
        }
      : { type: 'secret', binding: 'none', holders: 'shared', defaultLifetimeMs: DEFAULT_LIFETIME_MS },
  judge(wanted, _settings, at, report) {
    if (wanted.scope === '') {
      amiss(report, [...at, 'scope'], 'is empty, and Google gives no token without a scope', 'name one, or remove it');
    }
    judgeLifetime(wanted, at, report);
  },
  async open(settings, context) {
    const { openGcp } = await import('./gcp/open-gcp.ts');
    return openGcp(settings, context);
  },
};

function judgeLifetime({ lifetime, serviceAccount, secret }: GcpWanted, at: Path, report: Report): void {
  if (lifetime === undefined || secret !== undefined) return;
  const ms = parseDurationMs(lifetime)!;
  const maxMs = serviceAccount === undefined ? DEFAULT_LIFETIME_MS : MAX_LIFETIME_MS;
  const refuse = (message: string, remedy: string): void => amiss(report, [...at, 'lifetime'], message, remedy);
  if (ms < 2 * FLOOR_MS) refuse('is below 12m, twice what libraries of Google need left', 'write 12m or more');
  if (ms > maxMs && serviceAccount === undefined) refuse('is above the 1h of a federated token', 'write 1h or less');
  else if (ms > maxMs) refuse('is above the 12h that Google can give', 'write 12h or less');
}
