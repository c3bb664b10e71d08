import { isLoopbackHost, parseDurationMs } from '@tallystick/core';
import { amiss, type Path, type Report } from '../config/fault.ts';
import { ABSOLUTE_PATH } from '../config/file-path.ts';
import { defaulted, object, optional, required } from '../config/object-shape.ts';
import { choice, text, type Draft, type Shape, type TextOptions, type TypeOf } from '../config/shape.ts';
import { NAME, SCOPE } from '../config/texts.ts';
import { UPSTREAM_CREDENTIAL } from '../config/upstream-credential.ts';
import type { ProviderKind } from './provider.ts';

const SERVER_URL: TextOptions = {
  is: 'the URL of an authorization server',
  write: 'a URL such as https://sso.acme.example/realms/prod, without a query',
  pattern: /^https?:\/\/[^\s?#\\]{1,500}$/u,
  check: (written) => {
    const url = URL.parse(written);
    if (!url) return 'it is malformed';
    if (url.username !== '' || url.password !== '') return 'it carries user information';
    return url.protocol === 'https:' || isLoopbackHost(url.hostname)
      ? undefined
      : 'it must be https, or http on a loopback address such as 127.0.0.1';
  },
};

/** RFC 6749 §A.1, without spaces. */
const CLIENT_ID: TextOptions = {
  is: 'a client id',
  write: 'the id that the authorization server has for this client: printable characters without spaces',
  pattern: /^[\x21-\x7e]{1,256}$/u,
};

/** What stands in `aud`: a URI, or a name of the authorization server's own. */
const TARGET: TextOptions = {
  is: 'an audience',
  write: 'what "aud" of the token is to have, such as https://ledger.acme.example or ledger-api',
  pattern: /^[\x21-\x7e]{1,500}$/u,
};

/** A name in the secret, as its upstream has it. */
const MEMBER: TextOptions = {
  is: 'the name of a value',
  write: 'the name under which the secret has it, such as client_secret',
  pattern: /^[^\p{Cc}]{1,256}$/u,
};

const STORED_SECRET = object({
  credential: required(text(NAME), 'A credential of type secret, of another provider.', 'sso-client'),
  value: required(text(MEMBER), 'The name of the value that is the client secret.', 'client_secret'),
});

const CLIENT_MEMBERS = object({
  id: optional(text(CLIENT_ID), 'The client id of credentials that name none.'),
  authentication: defaulted(
    choice(['private_key_jwt', 'spiffe_jwt', 'client_secret_basic', 'client_secret_post']),
    'private_key_jwt',
    'How the sidecar proves which client it is: by its own keys, or by a secret.',
  ),
  secret: optional(STORED_SECRET, 'Where another provider, a vault, has the client secret.'),
  secretFile: optional(text(ABSOLUTE_PATH), 'The file that the client secret is read from, each time.'),
});

/** How the sidecar is a client. */
export type OauthClient = TypeOf<typeof CLIENT_MEMBERS>;

const CLIENT: Shape<OauthClient> = {
  ...CLIENT_MEMBERS,
  read(value, path, report) {
    const client = CLIENT_MEMBERS.read(value, path, report);
    if (client?.authentication) judgeClient(client.authentication, client, path, report);
    return client;
  },
};

function judgeClient(method: string, client: Draft<OauthClient>, path: Path, report: Report): void {
  const [given, another] = (['secret', 'secretFile'] as const).filter((key) => client[key] !== undefined);
  const takesSecret = method.startsWith('client_secret');
  if (takesSecret && given === undefined) {
    amiss(report, path, 'lacks "secret"', 'name the credential, or as "secretFile" the file; or use private_key_jwt');
  }
  if (!takesSecret && given !== undefined) {
    amiss(report, [...path, given], `is nothing that ${method} takes`, 'remove it, or use client_secret_basic');
  } else if (another !== undefined) {
    amiss(report, [...path, another], 'stands beside "secret"', 'keep one of the two');
  }
}

const SETTINGS = object({
  type: required(choice(['oauth']), 'An OAuth authorization server.', 'oauth'),
  issuer: required(
    text(SERVER_URL),
    'Its issuer identifier, exactly as its metadata has it. What proves our client is meant for it alone.',
    'https://sso.acme.example/realms/prod',
  ),
  tokenEndpoint: optional(text(SERVER_URL), 'Its token endpoint; from its metadata (RFC 8414) where it is missing.'),
  ca: optional(text(ABSOLUTE_PATH), 'PEM of the authorities that its certificate is verified by.'),
  client: defaulted(
    CLIENT,
    { id: undefined, authentication: 'private_key_jwt', secret: undefined, secretFile: undefined },
    'How the sidecar is a client of it.',
  ),
});

/** One value of `providers`. */
export type OauthSettings = TypeOf<typeof SETTINGS>;

const CREDENTIAL = object({
  ...UPSTREAM_CREDENTIAL,
  grant: defaulted(
    choice(['client_credentials', 'token_exchange', 'jwt_bearer']),
    'client_credentials',
    'By what the token is granted: as the client itself, or for the identity that a JWT of ours names.',
  ),
  client: optional(text(CLIENT_ID), 'The client id, where it is not the one of the provider.'),
  audience: optional(text(TARGET), 'The API it is for: "aud" of the token must have it, where the token can be read.'),
  indicator: optional(
    choice(['resource', 'audience', 'none']),
    'The parameter that the audience is sent as. Default: audience with token_exchange, else resource (RFC 8707).',
  ),
  scope: defaulted(text(SCOPE), '', 'Scope values to ask for.'),
});

/** One value of `credentials`. */
export type OauthWanted = TypeOf<typeof CREDENTIAL>;

/** The parameter that an audience is sent as. */
export function indicatorOf({
  indicator,
  grant,
}: Pick<OauthWanted, 'indicator' | 'grant'>): 'resource' | 'audience' | 'none' {
  return indicator ?? (grant === 'token_exchange' ? 'audience' : 'resource');
}

/** A token lives no longer here, whatever its server gives it. */
const DEFAULT_LIFETIME_MS = parseDurationMs('1h')!;

/** Any OAuth 2.0 authorization server that binds tokens by DPoP (RFC 9449): Keycloak, oidc-provider, Okta and others. */
export const oauthKind: ProviderKind<OauthSettings, OauthWanted> = {
  type: 'oauth',
  settings: SETTINGS,
  credential: CREDENTIAL,
  needsFederation: ({ client }, wanted) =>
    client.authentication === 'spiffe_jwt' || (wanted !== undefined && wanted.grant !== 'client_credentials'),
  signsInWith: ({ client: { secret } }) =>
    secret && { credential: secret.credential, at: ['client', 'secret', 'credential'] },
  describe: ({ audience, scope }) => ({
    type: 'access-token',
    binding: 'dpop',
    holders: 'own',
    audience,
    scope: scope
      .split(' ')
      .filter((value) => value !== '')
      .sort(),
    defaultLifetimeMs: DEFAULT_LIFETIME_MS,
  }),
  judge(wanted, { client }, at, report) {
    if (client.authentication !== 'spiffe_jwt' && (wanted.client ?? client.id) === undefined) {
      amiss(report, at, 'lacks "client"', 'add the client id, here or as "client.id" of the provider');
    }
    if (wanted.audience !== undefined && indicatorOf(wanted) === 'resource' && !URL.canParse(wanted.audience)) {
      amiss(
        report,
        [...at, 'audience'],
        'is no absolute URI, which "resource" takes alone',
        'write a URI, or add "indicator: audience" or "indicator: none", as the server has it',
      );
    }
  },
  async open(settings, context) {
    const { openOauth } = await import('./oauth/open-oauth.ts');
    return openOauth(settings, context);
  },
};
