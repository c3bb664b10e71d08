/**
 * Returns the nonce of a `DPoP-Nonce` header, or undefined where the header holds none: two of them, which arrive
 * joined by `, `, or a character that RFC 9449 §8.1 does not allow.
 */
export function nonceOf(header: string | null | undefined): string | undefined {
  return typeof header === 'string' && NONCE.test(header) ? header : undefined;
}

// 1*NQCHAR, and no longer than is sensible to send back with every request.
const NONCE = /^[\x21\x23-\x5b\x5d-\x7e]{1,512}$/;
