import type { Caller, CallerOwner } from './caller.ts';
import { Fault } from './fault.ts';

/** The claims of an access token, each of the type that it must have (RFC 9068 §2.2). */
export interface AccessToken {
  readonly caller: Caller;
  /** Seconds since the epoch, as all times here. */
  readonly expiresAt: number;
  readonly issuedAt: number;
  readonly notBefore: number | undefined;
  readonly audiences: readonly string[];
  /** Thumbprint of the key that the token was given to, where its issuer is a sidecar and it is bound to a certificate. */
  readonly holder: string | undefined;
  /** Lease id of that certificate. */
  readonly certificate: string | undefined;
}

type Claims = Readonly<Record<string, unknown>>;

/**
 * Reads the claims of a token whose signature is good. What they are worth now, and here, is judged elsewhere.
 *
 * @throws {Fault} `token_claims`; `token_confirmation`: it is bound by something other than a DPoP key and a certificate.
 */
export function readAccessToken(claims: Claims): AccessToken {
  const issuer = text(claims, 'iss');
  const identity = text(claims, 'sub');
  const tokenId = text(claims, 'jti');
  const expiresAt = time(claims, 'exp');
  const { jkt, x5t } = confirmed(claims.cnf);
  const ours = readTallystick(claims.tallystick);
  const caller: Caller = {
    identity,
    issuer,
    clientId: text(claims, 'client_id'),
    owner: ours?.owner,
    environment: ours?.environment,
    processes: ours?.processes ?? [],
    scopes: scopesOf(claims.scope),
    binding: jkt !== undefined ? 'dpop' : x5t !== undefined ? 'mtls' : 'none',
    jkt,
    x5t,
    leaseId: ours?.lease,
    tokenId,
    expiresAt: new Date(expiresAt * 1000),
    claims,
  };
  return {
    caller: deepFreeze(caller),
    expiresAt,
    issuedAt: time(claims, 'iat'),
    notBefore: claims.nbf === undefined ? undefined : time(claims, 'nbf'),
    audiences: audiencesOf(claims.aud),
    holder: ours?.holder,
    certificate: ours?.certificate,
  };
}

const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;

/**
 * RFC 7800 §3.1, RFC 9449 §6.1, RFC 8705 §3.1. Members that are not understood are ignored beside one that is; where they
 * stand alone the token is no bearer token, but bound by something that cannot be checked here.
 */
function confirmed(cnf: unknown): { jkt: string | undefined; x5t: string | undefined } {
  if (cnf === undefined) return { jkt: undefined, x5t: undefined };
  const { jkt, 'x5t#S256': x5t } = isObject(cnf) ? cnf : {};
  const known = [jkt, x5t].filter((value) => value !== undefined);
  if (known.length === 0 || !known.every(isThumbprint)) {
    throw new Fault('token_confirmation', 'the token is bound by something other than a DPoP key or a certificate');
  }
  return { jkt: jkt as string | undefined, x5t: x5t as string | undefined };
}

function isThumbprint(value: unknown): boolean {
  return typeof value === 'string' && THUMBPRINT.test(value);
}

interface OurClaims {
  readonly lease: string;
  readonly owner: CallerOwner;
  readonly environment: string;
  readonly processes: readonly string[];
  readonly holder: string | undefined;
  readonly certificate: string | undefined;
}

function readTallystick(value: unknown): OurClaims | undefined {
  if (value === undefined) return undefined;
  if (!isObject(value) || !isObject(value.owner)) throw fault('tallystick');
  const { processes, holder, certificate } = value;
  if (!isTexts(processes) || !isTextOrAbsent(holder) || !isTextOrAbsent(certificate)) throw fault('tallystick');
  return {
    lease: text(value, 'lease', 'tallystick'),
    owner: { id: text(value.owner, 'id', 'tallystick'), kind: text(value.owner, 'kind', 'tallystick') },
    environment: text(value, 'environment', 'tallystick'),
    processes,
    holder,
    certificate,
  };
}

function scopesOf(scope: unknown): readonly string[] {
  if (scope === undefined) return [];
  if (typeof scope !== 'string') throw fault('scope');
  return scope.split(' ').filter((value) => value !== '');
}

function audiencesOf(aud: unknown): readonly string[] {
  if (typeof aud === 'string') return [aud];
  if (!isTexts(aud)) throw fault('aud');
  return aud;
}

function text(members: Claims, name: string, claim = name): string {
  const value = members[name];
  if (typeof value !== 'string' || value === '') throw fault(claim);
  return value;
}

function time(claims: Claims, name: string): number {
  const value = claims[name];
  // A Date holds no more than 8.64e15 ms.
  if (typeof value !== 'number' || !(value >= 0 && value <= 8.64e12)) throw fault(name);
  return value;
}

function fault(claim: string): Fault {
  return new Fault('token_claims', `the token has no valid "${claim}"`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}
