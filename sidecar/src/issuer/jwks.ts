import type { PublishedKey } from './signer.ts';

/** Returns the JWK Set of the issuer (RFC 7517 §5): token keys alone. */
export function jwkSet(keys: readonly PublishedKey[]): { keys: Record<string, string>[] } {
  return { keys: keys.map(({ kid, alg, jwk }) => ({ ...jwk, kid, alg, use: 'sig' })) };
}
