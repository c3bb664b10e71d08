import { publicMembers, thumbprint, type PublicJwk } from '@tallystick/dpop';
import { importJWK, type CryptoKey } from 'jose';
import { isTokenAlgorithm, takesKey, type TokenAlgorithm } from './token-algorithm.ts';

/** A public key of an issuer. */
export interface IssuerKey {
  /** The same for two keys that may be put in each other's place. */
  readonly id: string;
  readonly kid: string | undefined;
  /** The only algorithm that it is for. Undefined: each that takes its kind. */
  readonly alg: TokenAlgorithm | undefined;
  readonly jwk: PublicJwk;
  /** Returns the key for `alg`, imported once. Rejects when it is no key. */
  import(alg: TokenAlgorithm): Promise<CryptoKey>;
}

/** The part of a JWT's header that says who signed it and how. */
export interface SignatureHeader {
  readonly alg: TokenAlgorithm;
  readonly kid: string | undefined;
}

/** The most keys that a JWK Set may have. */
const MAX_KEYS = 100;
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/**
 * Reads a JWK Set (RFC 7517 §5). Keys that cannot sign a token, are not for signatures, or come with their private
 * half are left out.
 *
 * @param held Keys that are already there: those that come again stay the same objects.
 * @throws {TypeError} It is not a JWK Set, or has more than 100 keys.
 */
export function parseKeySet(set: unknown, held: readonly IssuerKey[] = []): readonly IssuerKey[] {
  const keys = (set as { keys?: unknown } | null | undefined)?.keys;
  if (!Array.isArray(keys)) throw new TypeError('it is not a JWK Set');
  if (keys.length > MAX_KEYS) throw new TypeError(`it has more than ${MAX_KEYS} keys`);
  const parsed = keys.map((jwk: unknown) => parseKey(jwk)).filter((key) => key !== undefined);
  return parsed.map((key) => held.find(({ id }) => id === key.id) ?? key);
}

/** Returns the one key that `header` means, or undefined where there is none or more than one. */
export function selectKey(keys: readonly IssuerKey[], { alg, kid }: SignatureHeader): IssuerKey | undefined {
  const fitting = keys.filter(
    (key) =>
      (kid === undefined || key.kid === kid) && (key.alg === undefined || key.alg === alg) && takesKey(alg, key.jwk),
  );
  return fitting.length === 1 ? fitting[0] : undefined;
}

function parseKey(value: unknown): IssuerKey | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { kid, alg, use, key_ops: operations } = value as Record<string, unknown>;
  if (PRIVATE_MEMBERS.some((member) => Object.hasOwn(value, member))) return undefined;
  if (use !== undefined && use !== 'sig') return undefined;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return undefined;
  if (alg !== undefined && !isTokenAlgorithm(alg)) return undefined;
  if (kid !== undefined && typeof kid !== 'string') return undefined;
  const jwk = membersOf(value);
  if (!jwk) return undefined;
  const imported = new Map<TokenAlgorithm, Promise<CryptoKey>>();
  return {
    id: JSON.stringify([kid, alg, thumbprint(jwk as Record<string, unknown>)]),
    kid,
    alg,
    jwk,
    import(wanted) {
      let key = imported.get(wanted);
      // A public JWK is imported as a CryptoKey; only a symmetric one would be bytes.
      if (!key) imported.set(wanted, (key = importJWK({ ...jwk }, wanted) as Promise<CryptoKey>));
      return key;
    },
  };
}

function membersOf(value: object): PublicJwk | undefined {
  try {
    return publicMembers(value as Record<string, unknown>);
  } catch {
    // A kind of key that no algorithm here takes.
    return undefined;
  }
}
