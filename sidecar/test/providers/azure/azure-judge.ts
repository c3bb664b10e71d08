import { randomBytes } from 'node:crypto';
import { judgeAssertion, type Judgement, type Trust } from '../federation/assertion-judge.ts';
import {
  bearerOf,
  formOf,
  startJudgeServer,
  type JudgedAnswer,
  type JudgedRequest,
  type JudgeServer,
} from '../federation/judge-server.ts';

/** A line of the judge's sign-in logs, or of the vault's audit events. */
export interface AuditEntry {
  readonly operation: 'sign-in' | 'SecretGet';
  readonly subject: string;
  /** GUID that the client gave. */
  readonly correlationId: string | undefined;
}

/** A tenant with one application and one key vault, judged as Microsoft judges them. */
export interface AzureJudge extends JudgeServer {
  readonly tenant: string;
  readonly client: string;
  readonly secret: string;
  readonly secretValue: string;
  readonly log: readonly AuditEntry[];
  /** What was refused, in the words of the judge: for tests alone. */
  readonly faults: readonly string[];
  /** Subjects of the federated credentials of the application; undefined: all. */
  trust(subjects: readonly string[] | undefined): void;
  /** Whether the application has a role at the vault. */
  admit(isAdmitted: boolean): void;
  /** Every token that it gave, and the secret. */
  secrets(): readonly string[];
  /** True for a token that it gave, and that has not expired. */
  accepts(token: string): boolean;
}

const TENANT = '0f6c1c2a-5d3b-4a7e-9a51-2b6f0e7c4d11';
const CLIENT = '7b0a3f0e-1f0d-4c55-8a3e-6f2d9b1c0a42';
const SECRET = 'ledger-key';
const VERSION = '4387e9f3d6e14c459867679a90fd0f79';
const VAULT = 'https://vault.azure.net';
const RESOURCES = [VAULT, 'https://graph.microsoft.com', 'api://ledger'];
const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const LIFETIME_SECONDS = 3599;

interface Grant {
  readonly subject: string;
  readonly resource: string;
  readonly expiresAtMs: number;
}

/**
 * Starts a strict stand-in for the token endpoint of Entra and for a key vault. Requests are held to the published
 * reference of each; answers and errors have the shapes and the numbers that those have.
 */
export async function startAzureJudge(options: {
  readonly dir: string;
  readonly issuer: string;
  readonly tls?: { readonly cert: string; readonly key: string };
}): Promise<AzureJudge> {
  const trust: Trust = {
    ...options,
    algorithms: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
    audiences: ['api://AzureADTokenExchange'],
    maxLifetimeSeconds: 86_400,
  };
  const secretValue = `canary-${randomBytes(12).toString('hex')}`;
  const [grants, log, faults]: [Map<string, Grant>, AuditEntry[], string[]] = [new Map(), [], []];
  let subjects: readonly string[] | undefined;
  let isAdmitted = true;

  const refuse = (number: number, error: string, message: string, status = 400): JudgedAnswer => {
    faults.push(`AADSTS${number}`);
    const at = new Date().toISOString().replace('T', ' ').replace(/\.\d+/, '');
    const description = `AADSTS${number}: ${message} Trace ID: 0 Correlation ID: 0 Timestamp: ${at}`;
    return {
      status,
      json: {
        error,
        error_description: description,
        error_codes: [number],
        timestamp: at,
        trace_id: '0',
        correlation_id: '0',
      },
    };
  };

  async function token(request: JudgedRequest, tenant: string): Promise<JudgedAnswer> {
    if (tenant !== TENANT) return refuse(90002, 'invalid_request', `Tenant '${tenant}' not found.`);
    const form = formOf(request);
    if (!form) return refuse(900144, 'invalid_request', 'The request body must be a form, with each parameter once.');
    for (const name of ['grant_type', 'client_id', 'scope', 'client_assertion_type', 'client_assertion']) {
      if (!form.get(name)) return refuse(900144, 'invalid_request', `The request body must contain '${name}'.`);
    }
    if (form.has('client_secret')) return refuse(90023, 'invalid_request', 'Two client credentials are presented.');
    if (form.get('grant_type') !== 'client_credentials')
      return refuse(70003, 'unsupported_grant_type', 'Not supported.');
    if (form.get('client_assertion_type') !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer') {
      return refuse(90023, 'invalid_request', "Unsupported 'client_assertion_type'.");
    }
    if (form.get('client_id') !== CLIENT)
      return refuse(700016, 'unauthorized_client', 'The application was not found.');
    const scope = form.get('scope')!;
    if (!scope.endsWith('/.default') || scope.includes(' ')) {
      return refuse(
        1002012,
        'invalid_scope',
        'Client credential flows must have a scope value with /.default suffixed.',
      );
    }
    const resource = scope.slice(0, -'/.default'.length);
    if (!RESOURCES.includes(resource))
      return refuse(500011, 'invalid_resource', 'The resource principal was not found.');
    const judged = await judgeAssertion(form.get('client_assertion')!, trust, Date.now());
    if (!judged.ok) return refuse(...ASSERTION_FAULTS[judged.fault], 401);
    const { sub } = judged.claims;
    if (subjects !== undefined && !subjects.includes(sub)) return refuse(...ASSERTION_FAULTS.subject, 401);
    // Microsoft's own library sends it with the form, ours as a header; both are documented.
    const correlationId = (request.headers['client-request-id'] ?? form.get('client-request-id')) as string | undefined;
    if (correlationId !== undefined && !GUID.test(correlationId)) return refuse(900144, 'invalid_request', 'No GUID.');
    log.push({ operation: 'sign-in', subject: sub, correlationId });
    const accessToken = [1, 2, 3].map(() => `ey${randomBytes(40).toString('base64url')}`).join('.');
    grants.set(accessToken, { subject: sub, resource, expiresAtMs: Date.now() + LIFETIME_SECONDS * 1000 });
    return {
      status: 200,
      headers: { 'cache-control': 'no-store, no-cache' },
      json: {
        token_type: 'Bearer',
        expires_in: LIFETIME_SECONDS,
        ext_expires_in: LIFETIME_SECONDS,
        access_token: accessToken,
      },
    };
  }

  const vaultError = (status: number, code: string, message: string, inner?: string): JudgedAnswer => {
    faults.push(code);
    const headers = {
      'www-authenticate': `Bearer authorization="https://login.microsoftonline.com/${TENANT}", resource="${VAULT}"`,
    };
    const error = { code, message, ...(inner !== undefined && { innererror: { code: inner } }) };
    return { status, ...(status === 401 && { headers }), json: { error } };
  };

  function getSecret(request: JudgedRequest, name: string, version: string | undefined): JudgedAnswer {
    const grant = grants.get(bearerOf(request) ?? '');
    if (!grant || grant.expiresAtMs <= Date.now())
      return vaultError(401, 'Unauthorized', 'AKV10000: Request is missing a Bearer or PoP token.');
    if (grant.resource !== VAULT)
      return vaultError(
        401,
        'Unauthorized',
        `AKV10022: Invalid audience. Expected ${VAULT}, found: ${grant.resource}.`,
      );
    const apiVersion = request.query.get('api-version') ?? '';
    if (!/^(7\.[0-6]|2025-07-01)$/.test(apiVersion) || [...request.query].length !== 1) {
      return vaultError(400, 'BadParameter', 'api-version must be specified');
    }
    if (request.body !== '') return vaultError(400, 'BadParameter', 'A GET has no body.');
    const correlationId = request.headers['x-ms-client-request-id'] as string | undefined;
    log.push({ operation: 'SecretGet', subject: grant.subject, correlationId });
    if (!isAdmitted)
      return vaultError(403, 'Forbidden', 'Caller is not authorized to perform action on resource.', 'ForbiddenByRbac');
    if (name !== SECRET || (version !== undefined && version !== VERSION)) {
      return vaultError(404, 'SecretNotFound', `A secret with (name/id) ${name} was not found in this key vault.`);
    }
    return {
      status: 200,
      json: {
        value: secretValue,
        id: `https://acme.vault.azure.net/secrets/${SECRET}/${VERSION}`,
        attributes: {
          enabled: true,
          created: 1_790_000_000,
          updated: 1_790_000_000,
          recoveryLevel: 'Recoverable+Purgeable',
        },
        tags: {},
      },
    };
  }

  const server = await startJudgeServer((request) => {
    const { method, path } = request;
    const [, tenant] = /^\/([^/]+)\/oauth2\/v2\.0\/token$/.exec(path) ?? [];
    if (method === 'POST' && tenant !== undefined) return token(request, tenant);
    const [, name, version] = /^\/secrets\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? [];
    if (method === 'GET' && name !== undefined) return getSecret(request, name, version);
    if (method === 'GET' && path === `/${TENANT}/v2.0/.well-known/openid-configuration`) {
      return { status: 200, json: metadataAt(`https://${request.headers.host}`) };
    }
    return { status: 404, json: { error: { code: 'NotFound', message: 'There is no such route.' } } };
  }, options.tls);

  return {
    ...server,
    tenant: TENANT,
    client: CLIENT,
    secret: SECRET,
    secretValue,
    log,
    faults,
    trust: (trusted) => (subjects = trusted),
    admit: (admitted) => (isAdmitted = admitted),
    secrets: () => [...grants.keys(), secretValue],
    accepts: (accessToken) => (grants.get(accessToken)?.expiresAtMs ?? 0) > Date.now(),
  };
}

/** What Microsoft's own library asks for before it signs in. */
function metadataAt(origin: string): Readonly<Record<string, unknown>> {
  return {
    issuer: `${origin}/${TENANT}/v2.0`,
    token_endpoint: `${origin}/${TENANT}/oauth2/v2.0/token`,
    authorization_endpoint: `${origin}/${TENANT}/oauth2/v2.0/authorize`,
    end_session_endpoint: `${origin}/${TENANT}/oauth2/v2.0/logout`,
    jwks_uri: `${origin}/${TENANT}/discovery/v2.0/keys`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
  };
}

const NO_MATCH =
  'Check your federated identity credential Subject, Audience and Issuer against the presented assertion.';
const ASSERTION_FAULTS: Readonly<
  Record<Extract<Judgement, { ok: false }>['fault'], readonly [number, string, string]>
> = {
  malformed: [50027, 'invalid_client', 'JWT token is invalid or malformed.'],
  header: [5002738, 'invalid_client', "Invalid JWT token. 'ES256' is not a supported signature algorithm."],
  key: [50013, 'invalid_client', 'Assertion failed signature validation. [Reason - The key was not found.]'],
  signature: [50013, 'invalid_client', 'Assertion failed signature validation.'],
  issuer: [
    700211,
    'invalid_client',
    `No matching federated identity record found for presented assertion issuer. ${NO_MATCH}`,
  ],
  audience: [
    700212,
    'invalid_client',
    `No matching federated identity record found for presented assertion audience. ${NO_MATCH}`,
  ],
  time: [700024, 'invalid_client', 'Client assertion is not within its valid time range.'],
  subject: [
    700213,
    'invalid_client',
    `No matching federated identity record found for presented assertion subject. ${NO_MATCH}`,
  ],
};
