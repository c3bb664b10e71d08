import type { ProofAlgorithm } from './algorithms.ts';
import { decodePart, parseObject, splitCompact } from './compact-jwt.ts';
import { ProofError } from './proof-fault.ts';
import { keepProofKey, proofKeyOf, verifies, verifiesInPool, type ProofKey } from './proof-key.ts';

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
  /** RFC 7519 §4.1.4, in seconds since the epoch. Proofs seldom have one. */
  readonly exp?: number | undefined;
  /** RFC 7519 §4.1.5, in seconds since the epoch. Proofs seldom have one. */
  readonly nbf?: number | undefined;
}

/** The longest `DPoP` header that is looked at, in characters. */
export const MAX_PROOF_LENGTH = 8192;
/** The longest `jti` that is accepted, in characters (RFC 9449 §11.1). */
export const MAX_JTI_LENGTH = 256;

/**
 * Reads a proof and checks its form and signature (RFC 9449 §4.3 steps 1 to 7).
 *
 * @param header The values of the `DPoP` header, one for each header line (`req.headersDistinct.dpop` in Node,
 * which joins them otherwise).
 * @throws {ProofError}
 */
export function readProof(header: string | readonly string[] | undefined): Proof {
  const parts = readParts(header);
  return judgeSignature(parts, verifies(parts.key, parts.signingInput, parts.signature));
}

/**
 * As {@link readProof}, with the signature checked in libuv's thread pool. A thread of its own costs the single proof
 * some 30 µs more; of many at a time, a machine with more than one core reads more.
 */
export async function readProofInPool(header: string | readonly string[] | undefined): Promise<Proof> {
  const parts = readParts(header);
  return judgeSignature(parts, await verifiesInPool(parts.key, parts.signingInput, parts.signature));
}

/** A proof whose form is good, and what its signature is checked by. */
interface ProofParts {
  readonly proof: Proof;
  readonly key: ProofKey;
  readonly headerPart: string;
  readonly signingInput: Buffer;
  readonly signature: Buffer;
}

function readParts(header: string | readonly string[] | undefined): ProofParts {
  const jwt = theOnly(header);
  if (jwt.length > MAX_PROOF_LENGTH) {
    throw new ProofError('oversize', `the proof is longer than ${MAX_PROOF_LENGTH} characters`);
  }
  const [headerPart, payloadPart, signaturePart] = splitCompact(jwt);
  const key = proofKeyOf(headerPart);
  const proof = readClaims(parseObject(decodePart(payloadPart), 'payload'), key);
  const signature = decodePart(signaturePart);
  const signingInput = Buffer.from(jwt.slice(0, headerPart.length + 1 + payloadPart.length), 'latin1');
  return { proof, key, headerPart, signingInput, signature };
}

function judgeSignature({ proof, key, headerPart }: ProofParts, isGood: boolean): Proof {
  if (!isGood) throw new ProofError('signature', 'the signature does not verify with the key in the proof');
  keepProofKey(headerPart, key);
  return proof;
}

function theOnly(header: string | readonly string[] | undefined): string {
  const values = typeof header === 'string' ? [header] : (header ?? []);
  if (values.length > 1) throw new ProofError('multiple', 'the request has more than one DPoP header');
  const value = values[0];
  if (value === undefined || value === '') throw new ProofError('missing', 'the request has no DPoP header');
  return value;
}

function readClaims(claims: Readonly<Record<string, unknown>>, { alg, jkt }: ProofKey): Proof {
  const { jti, htm, htu, iat } = claims;
  // A lone surrogate has no UTF-8 form: what cannot be written down could not be put on record.
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI_LENGTH || !jti.isWellFormed()) {
    throw new ProofError('jti', `"jti" is not a string of 1 to ${MAX_JTI_LENGTH} characters`);
  }
  if (typeof htm !== 'string') throw new ProofError('htm', '"htm" is not a string');
  if (typeof htu !== 'string') throw new ProofError('htu', '"htu" is not a string');
  if (!isTime(iat)) throw new ProofError('iat', '"iat" is not a number');
  return {
    alg,
    jkt,
    jti,
    htm,
    htu,
    iat,
    ath: optionalText(claims, 'ath'),
    nonce: optionalText(claims, 'nonce'),
    bth: optionalText(claims, 'bth'),
    exp: optionalTime(claims, 'exp'),
    nbf: optionalTime(claims, 'nbf'),
  };
}

function optionalText(claims: Readonly<Record<string, unknown>>, name: 'ath' | 'nonce' | 'bth'): string | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw new ProofError(name, `"${name}" is not a string`);
  return value;
}

function optionalTime(claims: Readonly<Record<string, unknown>>, name: 'exp' | 'nbf'): number | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  if (!isTime(value)) throw new ProofError(name, `"${name}" is not a number`);
  return value;
}

// JSON has no NaN, but 1e999 is Infinity.
function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
