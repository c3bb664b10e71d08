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

/** A line of the judge's Cloud Audit Logs. */
export interface AuditEntry {
  readonly method: string;
  readonly principal: string;
  readonly reason: string | undefined;
}

/** A pool with one provider, one service account and one secret, judged as Google judges them. */
export interface GcpJudge extends JudgeServer {
  readonly audience: string;
  readonly serviceAccount: string;
  readonly secret: string;
  readonly log: readonly AuditEntry[];
  /** What was refused, in the words of the judge: for tests alone, Google says less. */
  readonly faults: readonly string[];
  /** The value that {@link GcpJudge.secret} has. */
  readonly secretValue: string;
  /** Who may act as the account and read the secret; undefined: everybody of the pool. */
  allow(subjects: readonly string[] | undefined): void;
  /** The attribute condition: which claims the provider takes at all. */
  condition(accepts: (claims: Readonly<Record<string, unknown>>) => boolean): void;
  /** Every token that it gave, and the secret. */
  secrets(): readonly string[];
  /** True for a token that it gave, and that has not expired. */
  accepts(token: string): boolean;
  /** What was mapped of the JWT that a token came from. */
  attributesOf(token: string): Readonly<Record<string, unknown>> | undefined;
}

const POOL = '//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/tallystick';
const AUDIENCE = `${POOL}/providers/sidecars`;
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const SERVICE_ACCOUNT = 'reports@acme-prod.iam.gserviceaccount.com';
const SECRET = 'projects/acme-prod/secrets/ledger-key';
const SCOPES = /^https:\/\/www\.googleapis\.com\/auth\/[a-z._-]+$/;
const TWO_DAYS = 48 * 3600;

interface Grant {
  readonly subject: string;
  readonly scope: readonly string[];
  readonly account: string | undefined;
  readonly expiresAtMs: number;
  readonly claims: Readonly<Record<string, unknown>>;
}

/**
 * Starts a strict stand-in for the Security Token Service, the IAM Service Account Credentials API and Secret Manager.
 * Requests are held to the published reference of each; answers and errors have the shapes that those have.
 */
export async function startGcpJudge(options: {
  readonly dir: string;
  readonly issuer: string;
  readonly secretValue?: string;
}): Promise<GcpJudge> {
  const trust: Trust = {
    ...options,
    algorithms: ['RS256', 'ES256'],
    audiences: [AUDIENCE, `https:${AUDIENCE}`],
    maxLifetimeSeconds: TWO_DAYS - 1,
  };
  const secretValue = options.secretValue ?? `canary-${randomBytes(12).toString('hex')}`;
  const [grants, log, faults]: [Map<string, Grant>, AuditEntry[], string[]] = [new Map(), [], []];
  let allowed: readonly string[] | undefined;
  let condition: (claims: Readonly<Record<string, unknown>>) => boolean = () => true;

  const grant = (one: Grant): string => {
    const token = `ya29.${randomBytes(60).toString('base64url')}`;
    grants.set(token, one);
    return token;
  };
  const valid = (token: string | undefined): Grant | undefined => {
    const found = token === undefined ? undefined : grants.get(token);
    return found && found.expiresAtMs > Date.now() ? found : undefined;
  };
  const oauthError = (fault: string, error: string, description: string, status = 400): JudgedAnswer => {
    faults.push(fault);
    return { status, json: { error, error_description: description } };
  };
  const apiError = (fault: string, code: number, status: string, message: string): JudgedAnswer => {
    faults.push(fault);
    return { status: code, json: { error: { code, message, status } } };
  };

  async function exchange(request: JudgedRequest): Promise<JudgedAnswer> {
    const invalid = (what: string): JudgedAnswer => oauthError(what, 'invalid_request', `Invalid ${what}.`);
    const form = formOf(request);
    if (!form) return invalid('form');
    const known = [
      'grant_type',
      'audience',
      'scope',
      'requested_token_type',
      'subject_token',
      'subject_token_type',
      'options',
    ];
    if ([...form.keys()].some((name) => !known.includes(name))) return invalid('parameter');
    if (request.headers.authorization !== undefined) return invalid('client authentication');
    if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:token-exchange') return invalid('grant_type');
    if (form.get('requested_token_type') !== ACCESS_TOKEN) return invalid('requested_token_type');
    const type = form.get('subject_token_type') ?? '';
    if (!/^urn:ietf:params:oauth:token-type:(jwt|id_token)$/.test(type)) return invalid('subject_token_type');
    const audience = form.get('audience') ?? '';
    if (!audience.startsWith('//iam.googleapis.com/')) return invalid('value for "audience"');
    if (audience !== AUDIENCE) return oauthError('audience', 'invalid_target', TARGET);
    const scope = (form.get('scope') ?? '').split(' ');
    if (!scope.every((one) => SCOPES.test(one))) return oauthError('scope', 'invalid_scope', 'Bad scope.');
    const judged = await judgeAssertion(form.get('subject_token') ?? '', trust, Date.now());
    if (!judged.ok) return oauthError(`subject_token: ${judged.fault}`, 'invalid_grant', GRANT[judged.fault]);
    const { claims } = judged;
    if (!condition(claims))
      return oauthError(
        'condition',
        'unauthorized_client',
        'The given credential is rejected by the attribute condition.',
      );
    if (Buffer.byteLength(claims.sub) > 127) return oauthError('google.subject', 'invalid_request', TOO_LONG);
    const expiresIn = 3599;
    log.push({
      method: 'google.identity.sts.v1.SecurityTokenService.ExchangeToken',
      principal: claims.sub,
      reason: undefined,
    });
    const expiresAtMs = Date.now() + expiresIn * 1000;
    const token = grant({ subject: claims.sub, scope, account: undefined, expiresAtMs, claims });
    return {
      status: 200,
      json: { access_token: token, issued_token_type: ACCESS_TOKEN, token_type: 'Bearer', expires_in: expiresIn },
    };
  }

  /** Who calls an API: a principal of the pool, or the service account. */
  function caller(request: JudgedRequest): Grant | JudgedAnswer {
    const found = valid(bearerOf(request));
    if (!found) return apiError('token', 401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.');
    const isWide = found.scope.some((one) => /\/(cloud-platform|iam)$/.test(one));
    return isWide
      ? found
      : apiError('token scope', 403, 'PERMISSION_DENIED', 'Request had insufficient authentication scopes.');
  }
  const note = (request: JudgedRequest, method: string, { subject, account }: Grant): void => {
    const reason = request.headers['x-goog-request-reason'] as string | undefined;
    log.push({ method, principal: account ?? subject, reason });
  };
  const isAllowed = ({ subject }: Grant): boolean => allowed === undefined || allowed.includes(subject);

  function impersonate(request: JudgedRequest, account: string): JudgedAnswer {
    const who = caller(request);
    if ('status' in who) return who;
    const bad = (what: string): JudgedAnswer =>
      apiError(what, 400, 'INVALID_ARGUMENT', `Request contains an invalid argument: ${what}`);
    if (request.headers['content-type']?.split(';')[0] !== 'application/json') return bad('content-type');
    const body = JSON.parse(request.body) as { scope?: unknown; lifetime?: unknown; delegates?: unknown };
    if (Object.keys(body).some((name) => !['scope', 'lifetime', 'delegates'].includes(name)))
      return bad('unknown field');
    const { scope, lifetime = '3600s', delegates = [] } = body;
    if (!Array.isArray(delegates) || delegates.length > 0) return bad('delegates');
    if (!Array.isArray(scope) || scope.length === 0 || !scope.every((one) => SCOPES.test(one as string)))
      return bad('scope');
    const seconds =
      typeof lifetime === 'string' && /^[0-9]{1,6}(\.[0-9]{1,9})?s$/.test(lifetime) ? Number.parseFloat(lifetime) : 0;
    if (!(seconds > 0 && seconds <= 3600)) return bad('lifetime');
    note(request, 'GenerateAccessToken', who);
    if (account !== SERVICE_ACCOUNT || who.account !== undefined || !isAllowed(who)) {
      return apiError('impersonation', 403, 'PERMISSION_DENIED', NO_ACCESS_TOKEN);
    }
    const expiresAtMs = Math.floor(Date.now() / 1000 + seconds) * 1000;
    const token = grant({ ...who, scope: scope as string[], account, expiresAtMs });
    return {
      status: 200,
      json: { accessToken: token, expireTime: new Date(expiresAtMs).toISOString().replace('.000Z', 'Z') },
    };
  }

  function access(request: JudgedRequest, name: string, version: string): JudgedAnswer {
    const who = caller(request);
    if ('status' in who) return who;
    if (request.body !== '') return apiError('body', 400, 'INVALID_ARGUMENT', 'A GET has no body.');
    note(request, 'AccessSecretVersion', who);
    if (!isAllowed(who)) {
      const message = `Permission 'secretmanager.versions.access' denied for resource '${name}/versions/${version}' (or it may not exist).`;
      return apiError('secret', 403, 'PERMISSION_DENIED', message);
    }
    if (name !== SECRET || !['latest', '4'].includes(version)) {
      return apiError('version', 404, 'NOT_FOUND', `Secret Version [${name}/versions/${version}] not found.`);
    }
    return {
      status: 200,
      json: {
        name: 'projects/123456789012/secrets/ledger-key/versions/4',
        payload: { data: Buffer.from(secretValue).toString('base64'), dataCrc32c: '1914234287' },
      },
    };
  }

  const server = await startJudgeServer((request) => {
    const { method, path } = request;
    if (method === 'POST' && path === '/v1/token') return exchange(request);
    const [, account] = /^\/v1\/projects\/-\/serviceAccounts\/([^/]+):generateAccessToken$/.exec(path) ?? [];
    if (method === 'POST' && account !== undefined) return impersonate(request, account);
    const [, name, version] = /^\/v1\/(projects\/[^/]+\/secrets\/[^/]+)\/versions\/([^/]+):access$/.exec(path) ?? [];
    if (method === 'GET' && name !== undefined) return access(request, name, version!);
    return apiError('route', 404, 'NOT_FOUND', 'Method not found.');
  });

  return {
    ...server,
    audience: AUDIENCE,
    serviceAccount: SERVICE_ACCOUNT,
    secret: SECRET,
    secretValue,
    log,
    faults,
    allow: (subjects) => (allowed = subjects),
    condition: (accepts) => (condition = accepts),
    secrets: () => [...grants.keys(), secretValue],
    accepts: (token) => valid(token) !== undefined,
    attributesOf: (token) => grants.get(token)?.claims,
  };
}

const TARGET =
  'The target service indicated by the "audience" parameters is invalid. This might either be because the pool or provider is disabled or deleted or because it doesn\'t exist.';
const TOO_LONG =
  'The size of mapped attribute google.subject exceeds the 127 bytes limit. Either modify your attribute mapping or the incoming assertion to produce a mapped attribute that is less than 127 bytes.';
const NO_ACCESS_TOKEN = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).";
const GRANT: Readonly<Record<Extract<Judgement, { ok: false }>['fault'], string>> = {
  malformed: 'Unable to parse the ID Token.',
  header: 'The ID Token header is invalid.',
  key: "Error connecting to the given credential's issuer, or its key is not there.",
  signature: 'Invalid signature of the ID Token.',
  issuer: 'The issuer in ID Token does not match the expected ones.',
  audience: 'The audience in ID Token does not match the expected audience.',
  time: 'ID Token is stale to sign-in, or issued in the future.',
  subject: 'The ID Token has no subject.',
};
