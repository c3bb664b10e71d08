import { createPublicKey, type KeyObject } from 'node:crypto';
import { ALGORITHMS, type ProofAlgorithm } from './algorithms.ts';
import { publicMembers, type PublicJwk } from './thumbprint.ts';

/**
 * Imports the public key that a proof of `alg` carries. Returns undefined where it is not a key for `alg` that
 * {@link exportPublic} gives, or not in the one form of RFC 7518 §6 (every coordinate at its full length, no leading
 * zero in `n`, no stray bits): two forms of one key would have two thumbprints.
 */
export function importPublic(jwk: Readonly<Record<string, unknown>>, alg: ProofAlgorithm): KeyObject | undefined {
  try {
    const members = publicMembers(jwk);
    const key = createPublicKey({ key: { ...members }, format: 'jwk' });
    return JSON.stringify(exportPublic(key, alg)) === JSON.stringify(members) ? key : undefined;
  } catch {
    // Not a key, or a point that is not on its curve.
    return undefined;
  }
}

/**
 * Returns the members of a public key, or undefined where it is not one for `alg`. RSA keys have 2048 to 4096 bits
 * and the exponent 65537: with 1 everybody could sign, and one as long as the modulus makes each verification slow.
 */
export function exportPublic(key: KeyObject, alg: ProofAlgorithm): PublicJwk | undefined {
  const { kty, crv, keyType } = ALGORITHMS[alg];
  if (key.asymmetricKeyType !== keyType) return undefined;
  if (kty === 'RSA') {
    const { modulusLength = 0, publicExponent } = key.asymmetricKeyDetails ?? {};
    if (modulusLength < 2048 || modulusLength > 4096 || publicExponent !== 65_537n) return undefined;
  }
  const jwk = exportJwk(key);
  return jwk && (jwk.kty === 'RSA' || jwk.crv === crv) ? jwk : undefined;
}

function exportJwk(key: KeyObject): PublicJwk | undefined {
  try {
    return publicMembers(key.export({ format: 'jwk' }) as Record<string, unknown>);
  } catch {
    // A curve that JWK has no name for.
    return undefined;
  }
}
