import { verify } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import {
  ALGORITHMS,
  isProofAlgorithm,
  PROOF_ALGORITHMS,
  type AlgorithmSpec,
  type ProofAlgorithm,
} from './algorithms.ts';
import { decodePart, parseObject } from './compact-jwt.ts';
import { ProofError } from './proof-fault.ts';
import { importPublic } from './public-key.ts';
import { publicMembers, thumbprint } from './thumbprint.ts';

/** The key that the header of a proof carries, ready to verify with. */
export interface ProofKey {
  readonly alg: ProofAlgorithm;
  /** RFC 7638 thumbprint. */
  readonly jkt: string;
  readonly options: ReturnType<AlgorithmSpec['options']>;
}

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

// A holder's header is the same text in each of its proofs: parsing it, importing the key and hashing it happens once.
const keysByHeader = new LRUCache<string, ProofKey>({ max: 2048 });
/** No header needs more: one with an RSA key of 4096 bits has about 1,000 characters. */
const MAX_CACHED_LENGTH = 2048;

/** Returns the key of a proof's header, by the first part of its text. */
export function proofKeyOf(headerPart: string): ProofKey {
  return keysByHeader.get(headerPart) ?? readHeader(headerPart);
}

/** Keeps a key for the next proof with the same header. Only after a signature verified: others are not worth a place. */
export function keepProofKey(headerPart: string, key: ProofKey): void {
  if (headerPart.length > MAX_CACHED_LENGTH || keysByHeader.has(headerPart)) return;
  // A copy: the part is a slice, and would keep the whole proof in memory.
  keysByHeader.set(Buffer.from(headerPart, 'latin1').toString('latin1'), key);
}

/** True when `signature`, in the form of RFC 7518 §3 and RFC 8037 §3.1, is one by the key over `data`. */
export function verifies(
  { alg, options }: Pick<ProofKey, 'alg' | 'options'>,
  data: Buffer,
  signature: Buffer,
): boolean {
  const { digest, signatureLength = signature.length } = ALGORITHMS[alg];
  return signature.length === signatureLength && verify(digest, data, options, signature);
}

/** As {@link verifies}, in libuv's thread pool. */
export function verifiesInPool(
  { alg, options }: Pick<ProofKey, 'alg' | 'options'>,
  data: Buffer,
  signature: Buffer,
): Promise<boolean> {
  const { digest, signatureLength = signature.length } = ALGORITHMS[alg];
  if (signature.length !== signatureLength) return Promise.resolve(false);
  return new Promise((resolve, reject) => {
    verify(digest, data, options, signature, (error, good) => (error ? reject(error) : resolve(good)));
  });
}

function readHeader(headerPart: string): ProofKey {
  const header = parseObject(decodePart(headerPart), 'header');
  if (header.typ !== 'dpop+jwt') throw new ProofError('typ', '"typ" is not "dpop+jwt"');
  const { alg, jwk } = header;
  if (!isProofAlgorithm(alg)) throw new ProofError('alg', `"alg" is not one of ${PROOF_ALGORITHMS.join(', ')}`);
  // RFC 7797 §6: "b64" is such an extension, also where "crit" fails to name it.
  if (header.crit !== undefined || header.b64 !== undefined) {
    throw new ProofError('crit', 'the header asks for an extension, and none is understood');
  }
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) throw new ProofError('jwk', '"jwk" is not a key');
  if (PRIVATE_MEMBERS.some((member) => Object.hasOwn(jwk, member))) {
    throw new ProofError('private_jwk', '"jwk" has private or symmetric key material');
  }
  const members = jwk as Record<string, unknown>;
  const key = importPublic(members, alg);
  if (!key) throw new ProofError('jwk', `"jwk" is not a public key for ${alg}`);
  return { alg, jkt: thumbprint(publicMembers(members)), options: ALGORITHMS[alg].options(key) };
}
