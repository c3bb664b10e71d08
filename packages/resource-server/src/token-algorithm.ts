/** The signature algorithms that an access token or a revocation list may have: asymmetric ones alone. */
export type TokenAlgorithm =
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'Ed25519'
  | 'EdDSA'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'RS256'
  | 'RS384'
  | 'RS512';

/** The keys that each algorithm takes (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2). */
const KEYS: Readonly<Record<TokenAlgorithm, { readonly kty: string; readonly crv?: string }>> = {
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
  Ed25519: { kty: 'OKP', crv: 'Ed25519' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
  PS256: { kty: 'RSA' },
  PS384: { kty: 'RSA' },
  PS512: { kty: 'RSA' },
  RS256: { kty: 'RSA' },
  RS384: { kty: 'RSA' },
  RS512: { kty: 'RSA' },
};

/** The names of the algorithms. */
export const TOKEN_ALGORITHMS = Object.keys(KEYS) as readonly TokenAlgorithm[];

/** True when `alg` is one that a token may have. */
export function isTokenAlgorithm(alg: unknown): alg is TokenAlgorithm {
  return typeof alg === 'string' && Object.hasOwn(KEYS, alg);
}

/** True when a JWK of this `kty` and `crv` can verify `alg`. */
export function takesKey(alg: TokenAlgorithm, jwk: { readonly kty: string; readonly crv?: string }): boolean {
  const { kty, crv } = KEYS[alg];
  return jwk.kty === kty && (crv === undefined || jwk.crv === crv);
}
