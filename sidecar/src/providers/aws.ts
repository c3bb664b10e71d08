import { formatDuration, isLoopbackHost, parseDurationMs } from '@tallystick/core';
import { amiss, type Path, type Report } from '../config/fault.ts';
import { ABSOLUTE_PATH } from '../config/file-path.ts';
import { defaulted, object, optional, required } from '../config/object-shape.ts';
import { choice, list, text, type Draft, type Shape, type TextOptions, type TypeOf } from '../config/shape.ts';
import { UPSTREAM_CREDENTIAL } from '../config/upstream-credential.ts';
import type { ProviderKind } from './provider.ts';

const REGION: TextOptions = {
  is: 'a region of AWS',
  write: 'a region such as eu-central-1',
  pattern: /^[a-z]{2}(-[a-z]+)+-[0-9]$/u,
};

const ROLE: TextOptions = {
  is: 'the ARN of a role',
  write: 'an ARN such as arn:aws:iam::123456789012:role/ledger-writer',
  pattern: /^arn:aws(-[a-z]+)*:iam::[0-9]{12}:role\/[\x21-\x7e]{1,512}$/u,
};

const POLICY_ARN: TextOptions = {
  is: 'the ARN of a managed policy',
  write: 'an ARN such as arn:aws:iam::aws:policy/ReadOnlyAccess',
  pattern: /^arn:aws(-[a-z]+)*:iam::([0-9]{12}|aws):policy\/[\x21-\x7e]{1,512}$/u,
};

const ENDPOINT: TextOptions = {
  is: 'the URL of an endpoint',
  write: 'https and a host, and nothing after it: https://vpce-0abc.sts.eu-central-1.vpce.amazonaws.com',
  pattern: /^https?:\/\/[^\s/?#@\\]+$/u,
  check: (given) => {
    if (!URL.canParse(given)) return 'it is malformed';
    const { protocol, hostname } = new URL(given);
    return protocol === 'https:' || isLoopbackHost(hostname) ? undefined : 'plain http is for loopback alone';
  },
};

const AUDIENCE: TextOptions = {
  is: 'an audience',
  write: 'the audience (client id) that the OpenID Connect provider in the account has, such as sts.amazonaws.com',
  pattern: /^[\x21-\x7e]{1,255}$/u,
};

const PROFILE: TextOptions = {
  is: 'the name of a profile',
  write: 'a name of 1 to 64 of A-Z, a-z, 0-9, ".", "_" and "-"',
  pattern: /^[A-Za-z0-9._-]{1,64}$/u,
};

/** Names of Secrets Manager, and ARNs. */
const SECRET: TextOptions = {
  is: 'the name of a secret',
  write: 'the name or the ARN of a secret, such as prod/ledger/api-key',
  pattern: /^[A-Za-z0-9/_+=.@:!-]{1,2048}$/u,
};

const VERSION: TextOptions = {
  is: 'the id of a version',
  write: 'the id that Secrets Manager gave the version: 32 to 64 characters',
  pattern: /^[A-Za-z0-9-]{32,64}$/u,
};

const STAGE: TextOptions = {
  is: 'a staging label',
  write: 'a staging label such as AWSCURRENT or AWSPENDING',
  pattern: /^[A-Za-z0-9_+=.@-]{1,256}$/u,
};

const EXTERNAL_ID: TextOptions = {
  is: 'an external id',
  write: '2 to 1224 of A-Z, a-z, 0-9 and "_+=,.@:/-", as the trust policy of the role has it',
  pattern: /^[A-Za-z0-9_+=,.@:/-]{2,1224}$/u,
};

const POLICY: TextOptions = {
  is: 'a session policy',
  write: 'the policy as JSON in one text of at most 2048 characters',
  pattern: /^[\t\n\r\x20-\xff]{1,2048}$/u,
  check: (given) => {
    try {
      JSON.parse(given);
      return undefined;
    } catch {
      return 'it is no JSON';
    }
  },
};

const AUTH_MEMBERS = object({
  method: required(
    choice(['web-identity', 'file']),
    'How the sidecar proves itself: by tokens of its "federation", or by an access key from a file.',
    'web-identity',
  ),
  audience: defaulted(
    text(AUDIENCE),
    'sts.amazonaws.com',
    'For web-identity: the "aud" of the tokens, as the OpenID Connect provider in the account has it.',
  ),
  path: optional(text(ABSOLUTE_PATH), 'For file: a file in the format of AWS credentials. It is read anew each time.'),
  profile: defaulted(text(PROFILE), 'default', 'For file: the profile in it.'),
  role: optional(
    text(ROLE),
    'A role that the sidecar assumes first, and all others from there. Those sessions live an hour at most.',
  ),
});

/** How the sidecar proves itself to AWS. */
const AUTH: Shape<TypeOf<typeof AUTH_MEMBERS>> = {
  ...AUTH_MEMBERS,
  read(value, path, report) {
    const auth = AUTH_MEMBERS.read(value, path, report);
    if (auth) judgeAuth(auth, path, report);
    return auth;
  },
};

function judgeAuth({ method, path: file }: Draft<TypeOf<typeof AUTH_MEMBERS>>, path: Path, report: Report): void {
  if (method === 'file' && file === undefined) amiss(report, path, 'lacks "path"', 'name the file of the access key');
  if (method === 'web-identity' && file !== undefined) {
    amiss(report, path, 'has a "path" that web-identity does not read', 'remove it, or use "method: file"');
  }
}

const NO_ENDPOINTS = { sts: undefined, secretsmanager: undefined };

const SETTINGS = object({
  type: required(choice(['aws']), 'AWS: roles (STS) and Secrets Manager.', 'aws'),
  region: required(text(REGION), 'The region whose endpoints are asked.', 'eu-central-1'),
  auth: required(AUTH, 'How the sidecar proves itself.', '{ method: web-identity }'),
  endpoints: defaulted(
    object({
      sts: optional(text(ENDPOINT), 'The Security Token Service.'),
      secretsmanager: optional(text(ENDPOINT), 'Secrets Manager.'),
    }),
    NO_ENDPOINTS,
    'Where services are reached, where that is not the endpoint of the region: interface endpoints of a VPC.',
  ),
});

/** One value of `providers`. */
export type AwsSettings = TypeOf<typeof SETTINGS>;

const CREDENTIAL = object({
  ...UPSTREAM_CREDENTIAL,
  role: optional(
    text(ROLE),
    'The role whose session is handed out; beside "secret" the one that the secret is read with, which is handed to nobody.',
  ),
  policy: optional(text(POLICY), 'A session policy: the session may do what the role and this allow.'),
  policyArns: defaulted(
    list(text(POLICY_ARN), { distinct: true }),
    [],
    'Managed policies to the same end, at most 10.',
  ),
  externalId: optional(text(EXTERNAL_ID), 'What the trust policy of the role asks for as "sts:ExternalId".'),
  secret: optional(text(SECRET), 'Name or ARN of a secret in Secrets Manager.'),
  version: optional(text(VERSION), 'Id of its version. Default: the one of "stage".'),
  stage: optional(text(STAGE), 'Staging label of its version. Default: AWSCURRENT.'),
  format: defaulted(
    choice(['json', 'text']),
    'json',
    'What its text is: an object whose members are the values (json), or one value, "SecretString" (text).',
  ),
});

/** One value of `credentials`. */
export type AwsWanted = TypeOf<typeof CREDENTIAL>;

const MAX_POLICIES = 10;
const MINUTE_MS = 60_000;
/** botocore asks again at each request when less than 15 min are left (`credentials.py`): five more, for who hands it on. */
const FLOOR_MS = 20 * MINUTE_MS;
const MAX_MS = 12 * 60 * MINUTE_MS;
const MAX_CHAINED_MS = 60 * MINUTE_MS;
const SESSION_MS = 60 * MINUTE_MS;
const SECRET_MS = 15 * MINUTE_MS;

/** AWS in one region: sessions of roles by STS, and secrets of Secrets Manager. */
export const awsKind: ProviderKind<AwsSettings, AwsWanted> = {
  type: 'aws',
  settings: SETTINGS,
  credential: CREDENTIAL,
  needsFederation: ({ auth }) => auth.method === 'web-identity',
  describe: ({ secret }) =>
    secret === undefined
      ? { type: 'aws', binding: 'sigv4', holders: 'shared', defaultLifetimeMs: SESSION_MS, floorMs: FLOOR_MS }
      : { type: 'secret', binding: 'none', holders: 'shared', defaultLifetimeMs: SECRET_MS },
  judge(wanted, settings, at, report) {
    judgeMembers(wanted, settings, at, report);
    if (wanted.secret === undefined) judgeLifetime(wanted, settings, at, report);
  },
  async open(settings, context) {
    const { openAws } = await import('./aws/open-aws.ts');
    return openAws(settings, context);
  },
};

function judgeMembers(wanted: AwsWanted, { auth }: AwsSettings, at: Path, report: Report): void {
  const { role, secret, version, stage, policy, policyArns, externalId } = wanted;
  const hasLogin = auth.method === 'file' || auth.role !== undefined;
  const refuse = (name: string, message: string, remedy: string): void => amiss(report, [...at, name], message, remedy);
  if (role === undefined && secret === undefined) amiss(report, at, 'lacks "role"', 'add "role" or "secret"');
  if (role === undefined && secret !== undefined && !hasLogin) {
    amiss(report, at, 'lacks "role"', 'name the role that the secret is read with, here or as "auth.role"');
  }
  if (secret === undefined) {
    const given = Object.entries({ version, stage }).find(([, value]) => value !== undefined);
    if (given) refuse(given[0], 'is of a secret, and there is none', 'remove it, or add "secret"');
  }
  if (version !== undefined && stage !== undefined) refuse('stage', 'stands beside "version"', 'keep one of the two');
  if (role === undefined) {
    const given = Object.entries({ policy, policyArns: policyArns[0], externalId }).find(([, v]) => v !== undefined);
    if (given) refuse(given[0], 'is of the session of a role, and there is none', 'remove it, or add "role"');
  }
  if (externalId !== undefined && !hasLogin) {
    refuse('externalId', 'cannot be sent with a web identity', 'remove it, or name a role to go by as "auth.role"');
  }
  if (policyArns.length > MAX_POLICIES) refuse('policyArns', 'has more than 10', 'remove some: AWS takes 10');
}

function judgeLifetime({ lifetime }: AwsWanted, { auth }: AwsSettings, at: Path, report: Report): void {
  if (lifetime === undefined) return;
  const ms = parseDurationMs(lifetime)!;
  const refuse = (message: string, remedy: string): void => amiss(report, [...at, 'lifetime'], message, remedy);
  if (ms < 2 * FLOOR_MS) {
    refuse(
      `is below twice the ${formatDuration(FLOOR_MS)} that clients of AWS want left`,
      `write ${formatDuration(2 * FLOOR_MS)} or more: an SDK asks again at each request when less is left`,
    );
  }
  if (ms > MAX_MS) refuse('is above the 12h that a session can have', 'write 12h or less');
  else if (auth.role !== undefined && ms > MAX_CHAINED_MS) {
    refuse('is above the 1h of a role that another assumes', 'write 1h or less, or remove "auth.role"');
  }
}
