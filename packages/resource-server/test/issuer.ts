import {
  exportJWK,
  generateKeyPair,
  SignJWT,
  UnsecuredJWT,
  type CryptoKey,
  type JWK,
  type JWTHeaderParameters,
} from 'jose';

/** What a token is minted from; everything can be replaced to mint a wrong one, and `undefined` leaves a claim out. */
export interface TokenOverrides {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  /** Signs in the place of the issuer's key. */
  readonly key?: CryptoKey | Uint8Array;
}

/** An authorization server, as far as an API can see it. */
export interface TestIssuer {
  readonly issuer: string;
  readonly jwk: JWK;
  readonly jwks: { keys: JWK[] };
  readonly privateKey: CryptoKey;
  /** An access token for `jkt` that the tests' verifier accepts. */
  token(jkt: string | undefined, overrides?: TokenOverrides): Promise<string>;
  /** Any JWT that this issuer could sign. */
  sign(typ: string | undefined, claims: Readonly<Record<string, unknown>>, overrides?: TokenOverrides): Promise<string>;
  /** A revocation list. */
  revocations(revoked: readonly object[], overrides?: TokenOverrides): Promise<string>;
}

/** 2026-11-22T12:00:00Z, in seconds. */
export const NOW = 1_795_348_800;
export const ISSUER = 'https://tallystick.acme.example';
export const AUDIENCE = 'https://ledger.acme.example';
export const SUBJECT = 'spiffe://acme.example/payments/close-batch';

export async function createIssuer(issuer = ISSUER, alg = 'ES256', kid = 'key-1'): Promise<TestIssuer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' };
  const sign: TestIssuer['sign'] = (typ, claims, overrides = {}) => {
    const header = { alg, typ, kid, ...overrides.header } as JWTHeaderParameters;
    const payload = { ...claims, ...overrides.claims };
    if (header.alg === 'none') return Promise.resolve(new UnsecuredJWT(payload).encode());
    return new SignJWT(payload).setProtectedHeader(header).sign(overrides.key ?? privateKey);
  };
  return {
    issuer,
    jwk,
    jwks: { keys: [jwk] },
    privateKey,
    sign,
    token: (jkt, overrides) => sign('at+jwt', tokenClaims(issuer, jkt), overrides),
    revocations: (revoked, overrides) =>
      sign('tallystick-revocations+jwt', { iss: issuer, iat: NOW, exp: NOW + 300, revoked }, overrides),
  };
}

/** The claims of a token as the sidecar mints it. */
export function tokenClaims(issuer: string, jkt: string | undefined): Record<string, unknown> {
  return {
    iss: issuer,
    sub: SUBJECT,
    client_id: SUBJECT,
    aud: AUDIENCE,
    iat: NOW - 60,
    exp: NOW + 840,
    jti: 'ls_01KAMQ5Q6G0000000000000000',
    scope: 'journal.read journal.write',
    ...(jkt !== undefined && { cnf: { jkt } }),
    tallystick: {
      lease: 'ls_01KAMQ5Q6G0000000000000000',
      owner: { id: 'team-payments', kind: 'team' },
      environment: 'production',
      processes: ['BP-1042'],
      registry: 'AAAA',
    },
  };
}
