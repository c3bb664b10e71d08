import type { KeyObject } from 'node:crypto';

/** The signature algorithms a proof may have: asymmetric ones alone, so that `none` and HMAC are impossible. */
export type ProofAlgorithm = 'ES256' | 'ES384' | 'Ed25519' | 'PS256';

/** How `node:crypto` makes and checks one algorithm's signatures, and which keys it takes. */
export interface AlgorithmSpec {
  readonly digest: string | null;
  /** The `kty` and, for curves, `crv` that a JWK must have. */
  readonly kty: 'EC' | 'OKP' | 'RSA';
  readonly crv?: string;
  /** `KeyObject.asymmetricKeyType`: tells an RSA key from one that is for PSS with parameters of its own. */
  readonly keyType: 'ec' | 'ed25519' | 'rsa';
  /** Bytes of a signature; absent for RSA, where the modulus decides. */
  readonly signatureLength?: number;
  /** The key in the form that `sign` and `verify` take. */
  readonly options: (key: KeyObject) => {
    key: KeyObject;
    dsaEncoding?: 'ieee-p1363';
    padding?: number;
    saltLength?: number;
  };
}

// constants.RSA_PKCS1_PSS_PADDING
const PSS = 6;

export const ALGORITHMS: Readonly<Record<ProofAlgorithm, AlgorithmSpec>> = {
  ES256: ecdsa('sha256', 'P-256', 64),
  ES384: ecdsa('sha384', 'P-384', 96),
  Ed25519: {
    digest: null,
    kty: 'OKP',
    crv: 'Ed25519',
    keyType: 'ed25519',
    signatureLength: 64,
    options: (key) => ({ key }),
  },
  PS256: { digest: 'sha256', kty: 'RSA', keyType: 'rsa', options: (key) => ({ key, padding: PSS, saltLength: 32 }) },
};

/** The names in {@link ALGORITHMS}, for `dpop_signing_alg_values_supported` and `algs` (RFC 9449 §5.1, §7.1). */
export const PROOF_ALGORITHMS = Object.keys(ALGORITHMS) as readonly ProofAlgorithm[];

/** True when `alg` is one a proof may have. */
export function isProofAlgorithm(alg: unknown): alg is ProofAlgorithm {
  return typeof alg === 'string' && Object.hasOwn(ALGORITHMS, alg);
}

function ecdsa(digest: string, crv: string, signatureLength: number): AlgorithmSpec {
  return {
    digest,
    kty: 'EC',
    crv,
    keyType: 'ec',
    signatureLength,
    options: (key) => ({ key, dsaEncoding: 'ieee-p1363' }),
  };
}
