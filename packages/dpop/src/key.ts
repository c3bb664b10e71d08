import { createPublicKey, generateKeyPair, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { ALGORITHMS, isProofAlgorithm, PROOF_ALGORITHMS, type ProofAlgorithm } from './algorithms.ts';
import { exportPublic } from './public-key.ts';
import { thumbprint, type PublicJwk } from './thumbprint.ts';

/**
 * A key pair whose private half only the holder has. It never leaves this object: no member, print or clone shows
 * it. (Code in the same process that reaches a `KeyObject` can export it; Node has no boundary against that.)
 */
export interface HolderKey {
  readonly alg: ProofAlgorithm;
  readonly publicJwk: PublicJwk;
  /** RFC 7638 thumbprint: the `jkt` of tokens bound to this key. */
  readonly jkt: string;
  /** Returns the JWS signature over `data`, text being ASCII (RFC 7518 §3, RFC 8037 §3.1). Synchronous: 25 µs for ES256. */
  sign(data: string | Uint8Array): Buffer;
}

const generate = promisify(generateKeyPair);

/**
 * Makes a new holder key. ES256 unless told otherwise.
 *
 * @throws {TypeError} `alg` is no algorithm of proofs.
 */
export async function generateHolderKey(alg: ProofAlgorithm = 'ES256'): Promise<HolderKey> {
  const { privateKey } = await generatePair(alg);
  return holderKey(privateKey, alg);
}

async function generatePair(alg: ProofAlgorithm): Promise<{ privateKey: KeyObject }> {
  switch (alg) {
    case 'ES256':
      return generate('ec', { namedCurve: 'P-256' });
    case 'ES384':
      return generate('ec', { namedCurve: 'P-384' });
    case 'Ed25519':
      return generate('ed25519');
    case 'PS256':
      return generate('rsa', { modulusLength: 2048 });
    default:
      throw new TypeError(`"alg" must be one of ${PROOF_ALGORITHMS.join(', ')}`);
  }
}

/**
 * Wraps an existing private key.
 *
 * @throws {TypeError} The key is not private, or not of the kind that `alg` takes, or one that a verifier refuses
 * (RSA below 2048 bits).
 */
export function holderKey(privateKey: KeyObject, alg: ProofAlgorithm): HolderKey {
  if (privateKey.type !== 'private') throw new TypeError('"privateKey" must be a private key');
  if (!isProofAlgorithm(alg)) throw new TypeError(`"alg" must be one of ${PROOF_ALGORITHMS.join(', ')}`);
  const publicJwk = exportPublic(createPublicKey(privateKey), alg);
  if (!publicJwk) throw new TypeError(`"privateKey" must be a key for ${alg}`);
  return new PrivateHolderKey(privateKey, alg, publicJwk);
}

class PrivateHolderKey implements HolderKey {
  readonly alg: ProofAlgorithm;
  readonly publicJwk: PublicJwk;
  readonly jkt: string;
  readonly #digest: string | null;
  readonly #options: ReturnType<(typeof ALGORITHMS)[ProofAlgorithm]['options']>;

  constructor(privateKey: KeyObject, alg: ProofAlgorithm, publicJwk: PublicJwk) {
    this.alg = alg;
    this.publicJwk = Object.freeze(publicJwk);
    this.jkt = thumbprint(publicJwk);
    this.#digest = ALGORITHMS[alg].digest;
    this.#options = ALGORITHMS[alg].options(privateKey);
    Object.freeze(this);
  }

  sign(data: string | Uint8Array): Buffer {
    return sign(this.#digest, typeof data === 'string' ? Buffer.from(data, 'latin1') : data, this.#options);
  }
}
