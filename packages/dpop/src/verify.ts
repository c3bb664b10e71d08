import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { ALGORITHMS, isProofAlgorithm, type ProofAlgorithm } from './algorithms.ts';
import { sameHtu } from './htu.ts';
import { ProofError } from './proof-fault.ts';
import { publicMembers, thumbprint } from './thumbprint.ts';

/** A proof whose form and signature are good; what it was made for is still to be judged. */
export interface Proof {
  readonly alg: ProofAlgorithm;
  /** Thumbprint of the key that signed it. */
  readonly jkt: string;
  readonly jti: string;
  readonly htm: string;
  readonly htu: string;
  /** Seconds since the epoch, by the holder's clock. */
  readonly iat: number;
  readonly ath: string | undefined;
  readonly nonce: string | undefined;
  readonly bth: string | undefined;
}

/** What a proof must have been made for. */
export interface ProofExpectation {
  readonly method: string;
  /** The target as the server knows itself, never as `Host` says. Query and fragment do not count. */
  readonly url: string;
  /** The expected `ath`; undefined where no access token goes with the request. */
  readonly ath?: string | undefined;
  /** The expected `bth`; undefined where the body need not be bound. */
  readonly bth?: string | undefined;
  /** The key that must have signed. */
  readonly jkt?: string | undefined;
  /** Judges `iat`; absent where a nonce proves freshness (RFC 9449 §11.1). */
  readonly iat?: { readonly now: number; readonly pastSeconds: number; readonly futureSeconds: number } | undefined;
}

/** The longest `DPoP` header that is looked at, in characters. */
export const MAX_PROOF_LENGTH = 8192;
/** The longest `jti` that is accepted, in characters (RFC 9449 §11.1). */
export const MAX_JTI_LENGTH = 256;

const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

interface VerificationKey {
  readonly alg: ProofAlgorithm;
  readonly jkt: string;
  readonly options: ReturnType<(typeof ALGORITHMS)[ProofAlgorithm]['options']>;
}

// A holder's header is the same text in each of its proofs: parsing it, importing the key and hashing it happens once.
const keysByHeader = new LRUCache<string, VerificationKey>({ max: 2048 });

/**
 * Reads a proof and checks its form and signature (RFC 9449 §4.3 steps 1 to 7).
 *
 * @param header The values of the `DPoP` header, one for each header line (`req.headersDistinct.dpop` in Node,
 * which joins them otherwise).
 * @throws {ProofError}
 */
export function readProof(header: string | readonly string[] | undefined): Proof {
  const jwt = theOnly(header);
  if (jwt.length > MAX_PROOF_LENGTH) throw new ProofError('oversize', 'the proof is longer than 8192 characters');
  const parts = COMPACT.exec(jwt);
  if (!parts) throw new ProofError('malformed', 'the DPoP header is not one compact JWT');
  const headerText = parts[1]!;
  const key = keysByHeader.get(headerText) ?? importKey(headerText);
  const claims = parseObject(parts[2]!, 'payload');
  const proof = readClaims(claims, key);
  const signingInput = Buffer.from(jwt.slice(0, jwt.lastIndexOf('.')), 'latin1');
  const signature = Buffer.from(parts[3]!, 'base64url');
  if (!verify(ALGORITHMS[key.alg].digest, signingInput, key.options, signature)) {
    throw new ProofError('signature', 'the signature does not verify with the key in the proof');
  }
  keysByHeader.set(headerText, key);
  return proof;
}

/**
 * Judges what a proof was made for (RFC 9449 §4.3 steps 8, 9, 11 and 12). Nonce and replay are left to the caller,
 * who has the state for them.
 *
 * @throws {ProofError}
 */
export function judgeProof(proof: Proof, expected: ProofExpectation): void {
  if (proof.htm !== expected.method) throw new ProofError('htm', `"htm" is not the method of the request`);
  if (!sameHtu(proof.htu, expected.url)) throw new ProofError('htu', `"htu" is not ${expected.url}`);
  if (expected.ath !== undefined && proof.ath !== expected.ath) {
    throw new ProofError('ath', '"ath" is not the hash of the access token');
  }
  if (expected.bth !== undefined && proof.bth !== expected.bth) {
    throw new ProofError('bth', '"bth" is not the hash of the request body');
  }
  if (expected.jkt !== undefined && proof.jkt !== expected.jkt) {
    throw new ProofError('key', 'the proof was signed by another key than the token is bound to');
  }
  if (expected.iat) {
    const age = expected.iat.now - proof.iat;
    if (age > expected.iat.pastSeconds) throw new ProofError('iat', `"iat" is ${Math.round(age)} s in the past`);
    if (-age > expected.iat.futureSeconds) throw new ProofError('iat', `"iat" is ${Math.round(-age)} s in the future`);
  }
}

function theOnly(header: string | readonly string[] | undefined): string {
  const values = typeof header === 'string' ? [header] : (header ?? []);
  if (values.length === 0 || values[0] === '') throw new ProofError('missing', 'the request has no DPoP header');
  if (values.length > 1) throw new ProofError('multiple', 'the request has more than one DPoP header');
  return values[0]!;
}

function importKey(headerText: string): VerificationKey {
  const header = parseObject(headerText, 'header');
  if (header.typ !== 'dpop+jwt') throw new ProofError('typ', '"typ" is not "dpop+jwt"');
  if (!isProofAlgorithm(header.alg)) {
    throw new ProofError('alg', `"alg" is not one of ${Object.keys(ALGORITHMS).join(', ')}`);
  }
  if (header.crit !== undefined) throw new ProofError('crit', '"crit" names extensions, and none is understood');
  const jwk = header.jwk;
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) throw new ProofError('jwk', '"jwk" is not a key');
  if (PRIVATE_MEMBERS.some((member) => Object.hasOwn(jwk, member))) {
    throw new ProofError('private_jwk', '"jwk" has private or symmetric key material');
  }
  const alg = header.alg;
  const spec = ALGORITHMS[alg];
  try {
    const members = publicMembers(jwk as Record<string, unknown>);
    if (members.kty !== spec.kty || (spec.crv !== undefined && (members as { crv?: string }).crv !== spec.crv)) {
      throw new ProofError('jwk', `"jwk" is not a key for ${alg}`);
    }
    const key = createPublicKey({ key: { ...members }, format: 'jwk' });
    requireStrength(key, alg);
    return { alg, jkt: thumbprint({ ...members }), options: spec.options(key) };
  } catch (error) {
    if (error instanceof ProofError) throw error;
    throw new ProofError('jwk', '"jwk" is not a valid public key');
  }
}

function requireStrength(key: KeyObject, alg: ProofAlgorithm): void {
  if (alg !== 'PS256') return;
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < 2048 || bits > 4096) throw new ProofError('jwk', 'an RSA key must have 2048 to 4096 bits');
}

function readClaims(claims: Readonly<Record<string, unknown>>, key: VerificationKey): Proof {
  const { jti, htm, htu, iat } = claims;
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI_LENGTH) {
    throw new ProofError('jti', `"jti" is not a string of 1 to ${MAX_JTI_LENGTH} characters`);
  }
  if (typeof htm !== 'string') throw new ProofError('htm', '"htm" is not a string');
  if (typeof htu !== 'string') throw new ProofError('htu', '"htu" is not a string');
  if (typeof iat !== 'number' || !Number.isFinite(iat)) throw new ProofError('iat', '"iat" is not a number');
  return {
    alg: key.alg,
    jkt: key.jkt,
    jti,
    htm,
    htu,
    iat,
    ath: optionalText(claims, 'ath'),
    nonce: optionalText(claims, 'nonce'),
    bth: optionalText(claims, 'bth'),
  };
}

function optionalText(claims: Readonly<Record<string, unknown>>, name: 'ath' | 'nonce' | 'bth'): string | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw new ProofError(name, `"${name}" is not a string`);
  return value;
}

function parseObject(base64url: string, part: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(base64url, 'base64url').toString('utf8'));
  } catch {
    throw new ProofError('malformed', `the ${part} of the proof is not JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ProofError('malformed', `the ${part} of the proof is not a JSON object`);
  }
  return value as Record<string, unknown>;
}
