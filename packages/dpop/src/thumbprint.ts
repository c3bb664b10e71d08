import { hash } from 'node:crypto';

/** The public members of a JWK that this package handles (RFC 7517, RFC 7518 §6, RFC 8037 §2). */
export type PublicJwk =
  | { readonly kty: 'EC'; readonly crv: string; readonly x: string; readonly y: string }
  | { readonly kty: 'OKP'; readonly crv: string; readonly x: string }
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string };

/**
 * Returns the members of `jwk` that define the public key, and nothing else.
 *
 * @throws {TypeError} A required member is missing or not a string, or `kty` is none of EC, OKP, RSA.
 */
export function publicMembers(jwk: Readonly<Record<string, unknown>>): PublicJwk {
  switch (jwk.kty) {
    case 'EC':
      return { kty: 'EC', crv: text(jwk, 'crv'), x: text(jwk, 'x'), y: text(jwk, 'y') };
    case 'OKP':
      return { kty: 'OKP', crv: text(jwk, 'crv'), x: text(jwk, 'x') };
    case 'RSA':
      return { kty: 'RSA', n: text(jwk, 'n'), e: text(jwk, 'e') };
    default:
      throw new TypeError('"kty" must be EC, OKP or RSA');
  }
}

/**
 * Returns the RFC 7638 thumbprint of a public key: base64url of the SHA-256 of its required members in
 * lexicographic order.
 *
 * @throws {TypeError} As {@link publicMembers}.
 * @see https://www.rfc-editor.org/rfc/rfc7638#section-3
 */
export function thumbprint(jwk: PublicJwk | Readonly<Record<string, unknown>>): string {
  const key = publicMembers(jwk as Readonly<Record<string, unknown>>);
  let canonical: string;
  switch (key.kty) {
    case 'EC':
      canonical = JSON.stringify({ crv: key.crv, kty: key.kty, x: key.x, y: key.y });
      break;
    case 'OKP':
      canonical = JSON.stringify({ crv: key.crv, kty: key.kty, x: key.x });
      break;
    case 'RSA':
      canonical = JSON.stringify({ e: key.e, kty: key.kty, n: key.n });
      break;
  }
  return hash('sha256', canonical, 'base64url');
}

function text(jwk: Readonly<Record<string, unknown>>, member: string): string {
  const value = jwk[member];
  if (typeof value !== 'string' || !/^[A-Za-z0-9_-]+$/.test(value))
    throw new TypeError(`"${member}" must be base64url text`);
  return value;
}
