import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compactVerify, createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, type JWTPayload } from 'jose';

/** What a cloud has been told of an issuer that it is to trust, and what it takes of its JWTs. */
export interface Trust {
  /** The folder that the cloud fetches from, below `issuer`. */
  readonly dir: string;
  /** As it stands in the settings of the cloud. */
  readonly issuer: string;
  readonly algorithms: readonly string[];
  readonly audiences: readonly string[];
  /** The longest from `iat` to `exp`, seconds. */
  readonly maxLifetimeSeconds: number;
}

/** What is wrong with a JWT, or what it says. */
export type Judgement =
  | { readonly ok: true; readonly claims: JWTPayload & { readonly sub: string } }
  | {
      readonly ok: false;
      readonly fault: 'malformed' | 'header' | 'key' | 'signature' | 'issuer' | 'audience' | 'time' | 'subject';
    };

const fault = (what: Extract<Judgement, { ok: false }>['fault']): Judgement => ({ ok: false, fault: what });

/**
 * Judges a JWT of a federation as a cloud does: by the files of its issuer alone, read anew each time, as they are
 * published. Any fault is named, so that each cloud can answer it in its own way.
 */
export async function judgeAssertion(jwt: string, trust: Trust, nowMs: number): Promise<Judgement> {
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(jwt)) return fault('malformed');
  const { alg, kid, typ, ...others } = decodeProtectedHeader(jwt);
  const isHeader = typeof alg === 'string' && trust.algorithms.includes(alg) && (typ === undefined || typ === 'JWT');
  // Neither a key nor a place of keys in a JWT is ever looked at, and ours have no business to carry any.
  if (!isHeader || typeof kid !== 'string' || Object.keys(others).length > 0) return fault('header');
  const document = readJson(trust.dir, '.well-known/openid-configuration') as Record<string, string>;
  const { issuer, jwks_uri: jwksUri } = document;
  if (issuer !== trust.issuer || !jwksUri!.startsWith(`${issuer}/`)) return fault('issuer');
  const { keys } = readJson(trust.dir, jwksUri!.slice(issuer.length + 1)) as unknown as JSONWebKeySet;
  const matching = keys.filter((key) => key.kid === kid && key.alg === alg && key.use === 'sig');
  if (matching.length !== 1 || ['d', 'p', 'q', 'k'].some((member) => member in matching[0]!)) return fault('key');
  const verified = await compactVerify(jwt, createLocalJWKSet({ keys: matching })).catch(() => undefined);
  if (!verified) return fault('signature');
  const claims = JSON.parse(new TextDecoder().decode(verified.payload)) as JWTPayload;
  if (claims.iss !== trust.issuer) return fault('issuer');
  if (typeof claims.aud !== 'string' || !trust.audiences.includes(claims.aud)) return fault('audience');
  const { iat, exp, nbf, sub } = claims;
  const now = nowMs / 1000;
  const isTime =
    Number.isInteger(iat) && Number.isInteger(exp) && iat! <= now && exp! > now && (nbf === undefined || nbf <= now);
  if (!isTime || exp! - iat! > trust.maxLifetimeSeconds) return fault('time');
  if (typeof sub !== 'string' || sub === '') return fault('subject');
  return { ok: true, claims: { ...claims, sub } };
}

function readJson(dir: string, path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(dir, path), 'utf8')) as Record<string, unknown>;
}
