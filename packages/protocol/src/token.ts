import { isClaimText, isLeaseId, isSpiffeId, TallystickError } from '@tallystick/core';
import { formatContext, parseContext, type ClaimedProcess } from './context.ts';
import { fault, readJson, readNumber, readOptionalText, readText, readTime } from './read.ts';

/** A `client_credentials` request to `POST /token` (RFC 6749 §4.4.2, RFC 8707 §2). */
export interface TokenRequest {
  /** A SPIFFE ID selects an identity; anything else is a label for the record. */
  readonly clientId: string | undefined;
  /** The audience. Undefined: the only one this identity is entitled to. */
  readonly resource: string | undefined;
  /** Scope values, sorted, each once. Undefined: all that the credential has. */
  readonly scope: readonly string[] | undefined;
  readonly context: ClaimedProcess | undefined;
  /** Lease id of the certificate that the token is to be bound to. Undefined: to the key of the proof. */
  readonly certificate?: string | undefined;
  /** The newest signed head of the sidecar's log that the client was shown. */
  readonly logHead?: string | undefined;
}

/** How a token is shown: with a proof (RFC 9449 §7.1), or over a connection that proves its certificate (RFC 8705 §3). */
export type TokenType = 'DPoP' | 'Bearer';

/** A successful answer of `POST /token` (RFC 6749 §5.1, RFC 9449 §5), with what Tallystick adds. */
export interface TokenResponse {
  readonly accessToken: string;
  readonly tokenType: TokenType;
  /** Seconds from the answer's making. */
  readonly expiresIn: number;
  readonly scope: string;
  readonly leaseId: string;
  readonly rotateAt: Date;
  readonly recordId: string;
  /** A signed head of the sidecar's log that has this very release under it. Undefined of a sidecar that tells none. */
  readonly logHead?: string | undefined;
}

const KNOWN = ['grant_type', 'client_id', 'resource', 'scope', 'context', 'certificate', 'log_head'];
/** What is asked for is recorded: nobody may make a record longer than this allows. */
const MAX_PARAMETER_LENGTH = 2048;
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
// RFC 9449 §7.1 token68: nothing that could end the Authorization header early.
const TOKEN_68 = /^[A-Za-z0-9._~+/-]+=*$/;
// Past it, what Date can hold is near; no token lives thirty years.
const MAX_EXPIRES_IN = 1_000_000_000;

/** Returns the form body of a token request. */
export function formatTokenRequest(request: {
  clientId?: string | undefined;
  resource?: string | undefined;
  scope?: string | undefined;
  process?: { id: string; run?: string | undefined; ticket?: string | undefined } | undefined;
  certificate?: string | undefined;
  logHead?: string | undefined;
}): string {
  const form = new URLSearchParams({ grant_type: 'client_credentials' });
  if (request.clientId !== undefined) form.set('client_id', request.clientId);
  if (request.resource !== undefined) form.set('resource', request.resource);
  if (request.scope !== undefined) form.set('scope', request.scope);
  if (request.process !== undefined) form.set('context', formatContext(request.process));
  if (request.certificate !== undefined) form.set('certificate', request.certificate);
  if (request.logHead !== undefined) form.set('log_head', request.logHead);
  return form.toString();
}

/**
 * Reads the form body of a token request. Unknown parameters are ignored (RFC 6749 §3.2); a known one given twice
 * is refused.
 *
 * @throws {TallystickError} `invalid_request`, `unsupported_grant_type`, `invalid_scope`
 */
export function parseTokenRequest(body: string): TokenRequest {
  const form = new URLSearchParams(body);
  for (const name of KNOWN) {
    if (form.getAll(name).length > 1) {
      throw new TallystickError(
        name === 'resource' ? 'invalid_target' : 'invalid_request',
        `"${name}" is given more than once`,
      );
    }
    if ((form.get(name) ?? '').length > MAX_PARAMETER_LENGTH) {
      throw new TallystickError('invalid_request', `"${name}" is longer than ${MAX_PARAMETER_LENGTH} characters`);
    }
  }
  // RFC 6749 §3.2: a parameter without a value counts as omitted.
  const value = (name: string): string | undefined => form.get(name) || undefined;
  const grant = value('grant_type');
  if (grant === undefined) throw new TallystickError('invalid_request', '"grant_type" is missing');
  if (grant !== 'client_credentials') {
    throw new TallystickError('unsupported_grant_type', '"grant_type" is not client_credentials');
  }
  const clientId = value('client_id');
  if (clientId !== undefined && !isSpiffeId(clientId) && !isClaimText(clientId)) {
    throw new TallystickError(
      'invalid_request',
      '"client_id" is neither a SPIFFE ID nor up to 128 printable characters',
    );
  }
  const scope = parseScope(value('scope'));
  if (scope?.length === 0) throw new TallystickError('invalid_scope', '"scope" names nothing');
  const context = value('context');
  const certificate = value('certificate');
  if (certificate !== undefined && !isLeaseId(certificate)) {
    throw new TallystickError('invalid_request', '"certificate" is not the lease id of a certificate');
  }
  return {
    clientId,
    resource: value('resource'),
    scope,
    context: context === undefined ? undefined : parseContext(context),
    certificate,
    logHead: value('log_head'),
  };
}

/**
 * Returns the values of a scope, sorted, each once (RFC 6749 §3.3).
 *
 * @throws {TallystickError} `invalid_scope`
 */
export function parseScope(scope: string | undefined): readonly string[] | undefined {
  if (scope === undefined) return undefined;
  const values = scope.split(' ').filter((value) => value !== '');
  if (!values.every((value) => SCOPE_TOKEN.test(value))) {
    throw new TallystickError('invalid_scope', '"scope" has a character that RFC 6749 §3.3 does not allow');
  }
  return [...new Set(values)].sort();
}

/** Returns the JSON members of a successful answer. */
export function formatTokenResponse(response: TokenResponse): Record<string, unknown> {
  return {
    access_token: response.accessToken,
    token_type: response.tokenType,
    expires_in: response.expiresIn,
    // A scope has at least one value (RFC 6749 §3.3): none is said by leaving it out.
    ...(response.scope !== '' && { scope: response.scope }),
    lease_id: response.leaseId,
    rotate_at: response.rotateAt.toISOString(),
    record_id: response.recordId,
    ...(response.logHead !== undefined && { log_head: response.logHead }),
  };
}

/**
 * Reads a successful answer of `POST /token`. One whose `token_type` is another than was asked for is refused (RFC 9449
 * §5).
 *
 * @throws {TallystickError} `protocol_error`, also for a token that no header can carry and for one that has expired
 * when it comes.
 */
export function parseTokenResponse(body: string, tokenType: TokenType): TokenResponse {
  const what = 'token answer';
  const members = readJson(body, what);
  if (readText(members, 'token_type', what).toLowerCase() !== tokenType.toLowerCase()) {
    throw fault(what, `is not bound as was asked: its "token_type" is not ${tokenType}`);
  }
  const accessToken = readText(members, 'access_token', what);
  if (!TOKEN_68.test(accessToken)) throw fault(what, 'has an "access_token" that no header can carry');
  const expiresIn = readNumber(members, 'expires_in', what);
  if (!(expiresIn > 0 && expiresIn <= MAX_EXPIRES_IN)) throw fault(what, 'has an "expires_in" that is no lifetime');
  const leaseId = readText(members, 'lease_id', what);
  if (!isLeaseId(leaseId)) throw fault(what, 'has a "lease_id" that is none');
  return {
    accessToken,
    tokenType,
    expiresIn,
    scope: readOptionalText(members, 'scope', what) ?? '',
    leaseId,
    rotateAt: readTime(members, 'rotate_at', what),
    recordId: readText(members, 'record_id', what),
    logHead: readOptionalText(members, 'log_head', what),
  };
}
