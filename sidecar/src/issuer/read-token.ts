import { JWT_TYPE, type RevocableToken, type TallystickClaims } from '@tallystick/core';
import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet } from 'jose';
import { jwkSet } from './jwks.ts';
import type { Signer } from './signer.ts';

/** The claims of a token of our own that verified and has not expired. */
export interface OwnTokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string;
  readonly jti: string;
  readonly iat: number;
  readonly exp: number;
  readonly scope: string | undefined;
  readonly cnf: { readonly jkt: string } | { readonly 'x5t#S256': string };
  readonly tallystick: TallystickClaims;
}

/** Returns the thumbprint of the key that a token was given to, which it is bound to unless it is to a certificate. */
export function holderOf({ cnf, tallystick }: OwnTokenClaims): string | undefined {
  return 'jkt' in cnf ? cnf.jkt : tallystick.holder;
}

/** Returns what revocations of a token go by. */
export function revocableOf(claims: OwnTokenClaims): RevocableToken {
  const { jti, sub, iat, tallystick } = claims;
  return { jti, sub, iat, jkt: holderOf(claims), certificate: tallystick.certificate };
}

/** Returns the claims of a token this issuer signed, or undefined for anything else. */
export type TokenReader = (token: string) => Promise<OwnTokenClaims | undefined>;

/** Returns a reader of this issuer's own access tokens. */
export function createTokenReader(signer: Signer, clock: { nowMs(): number }): TokenReader {
  // jose imports the keys of a set once: the set is kept until the keys change.
  let set: { readonly of: string; readonly find: ReturnType<typeof createLocalJWKSet> } | undefined;
  const keySet = (): ReturnType<typeof createLocalJWKSet> => {
    const keys = signer.keys();
    const of = keys.map(({ kid }) => kid).join(' ');
    if (set?.of !== of) set = { of, find: createLocalJWKSet(jwkSet(keys) as JSONWebKeySet) };
    return set.find;
  };
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keySet(), {
        issuer: signer.issuer,
        typ: JWT_TYPE.accessToken,
        algorithms: ['ES256'],
        currentDate: new Date(clock.nowMs()),
        requiredClaims: ['sub', 'aud', 'jti', 'iat', 'exp', 'cnf', 'tallystick'],
      });
      return payload as unknown as OwnTokenClaims;
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  };
}
