/** Where the keys are, below the URL of the federation. */
export const JWKS_FILE = 'jwks.json';
/** Keys of client assertions, for authorization servers that take a `jwks_uri`. */
export const CLIENT_JWKS_FILE = 'client-jwks.json';
/** The bundle of the trust domain, for who verifies JWT-SVIDs. */
export const SPIFFE_BUNDLE_FILE = 'spiffe-bundle.json';
/** OpenID Connect Discovery 1.0 §4 */
export const DISCOVERY_FILE = '.well-known/openid-configuration';

/**
 * Returns the discovery document of the federation: what AWS, Google, Entra and Vault read of an issuer. There is
 * nothing to sign in at: its JWTs are made on this side alone.
 */
export function discoveryDocument(issuer: string): Readonly<Record<string, unknown>> {
  return {
    issuer,
    jwks_uri: `${issuer}/${JWKS_FILE}`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256', 'RS256'],
    claims_supported: ['iss', 'sub', 'aud', 'exp', 'iat', 'jti'],
  };
}

/** How often a bundle is to be read again, in seconds: far more often than its keys change. */
const REFRESH_SECONDS = 300;

/** Returns the SPIFFE bundle of the federation's keys (SPIFFE Trust Domain and Bundle §4). */
export function spiffeBundle(keys: readonly object[]): Readonly<Record<string, unknown>> {
  return { keys: keys.map((key) => ({ ...key, use: 'jwt-svid' })), spiffe_refresh_hint: REFRESH_SECONDS };
}
