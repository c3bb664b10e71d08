import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet } from 'jose';
import { addTag, requireWithin, STS_LIMITS, StsFault, SUBJECT_LIMITS } from './sts-limits.ts';

/** An OpenID Connect provider of an account. */
export interface WebIdentityProvider {
  readonly issuer: string;
  readonly jwks: JSONWebKeySet;
  readonly audience: string;
}

/** What STS takes from a token. */
export interface WebIdentity {
  readonly subject: string;
  readonly sourceIdentity: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

/** STS API, `WebIdentityToken`. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512'];
const TAGS = 'https://aws.amazon.com/tags';
const SOURCE_IDENTITY = 'https://aws.amazon.com/source_identity';

/**
 * Judges a token as STS does: its signature by the published keys of the provider, `iss`, `aud`, `sub`, times in whole
 * seconds, and the form of the claims that set tags and source identity (IAM User Guide, "Pass session tags in AWS STS").
 *
 * @throws {StsFault}
 */
export async function judgeWebIdentity(
  token: string,
  { issuer, jwks, audience }: WebIdentityProvider,
  nowMs: number,
): Promise<WebIdentity> {
  const { payload } = await jwtVerify(token, createLocalJWKSet(jwks), {
    issuer,
    audience,
    algorithms: ALGORITHMS,
    currentDate: new Date(nowMs),
    requiredClaims: ['exp', 'iat', 'sub'],
  }).catch((error: unknown) => {
    if (error instanceof errors.JWTExpired) throw new StsFault('ExpiredTokenException', 'Token expired');
    throw new StsFault('InvalidIdentityToken', error instanceof Error ? error.message : 'invalid');
  });
  const { sub = '', iat, exp } = payload;
  if (!Number.isInteger(iat) || !Number.isInteger(exp)) invalid('a time that is no integer');
  requireWithin('sub', sub, SUBJECT_LIMITS);
  const sourceIdentity = payload[SOURCE_IDENTITY];
  if (sourceIdentity !== undefined) {
    if (typeof sourceIdentity !== 'string') invalid('a source identity that is no text');
    else requireWithin('SourceIdentity', sourceIdentity, STS_LIMITS.SourceIdentity);
  }
  return { subject: sub, sourceIdentity: sourceIdentity as string | undefined, tags: readTags(payload[TAGS]) };
}

function readTags(claim: unknown): Readonly<Record<string, string>> {
  const tags: Record<string, string> = {};
  if (claim === undefined) return tags;
  const { principal_tags: given, transitive_tag_keys: transitive, ...others } = claim as Record<string, unknown>;
  if (typeof given !== 'object' || given === null || Object.keys(others).length > 0) invalid('tags of another form');
  if (transitive !== undefined && !Array.isArray(transitive)) invalid('transitive keys that are no list');
  for (const [key, values] of Object.entries(given as Record<string, unknown>)) {
    // The claim has lists, and STS takes one value of each.
    if (!Array.isArray(values) || values.length !== 1 || typeof values[0] !== 'string') {
      invalid(`tag ${key} has not one value in a list`);
    }
    addTag(tags, key, (values as string[])[0]);
  }
  return tags;
}

function invalid(why: string): never {
  throw new StsFault('InvalidIdentityToken', `Session tags passed in claim are not in correct format: ${why}`);
}
