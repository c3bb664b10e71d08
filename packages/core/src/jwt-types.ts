/**
 * The `typ` of every JWT that Tallystick signs or accepts. Each is explicit, so that none is accepted in the place of
 * another (RFC 8725 §3.11).
 */
export const JWT_TYPE = {
  /** RFC 9068 */
  accessToken: 'at+jwt',
  /** RFC 9449 §4.2 */
  proof: 'dpop+jwt',
  revocations: 'tallystick-revocations+jwt',
  credential: 'tallystick-credential+jwt',
  /** RFC 10070 §3 */
  clientAssertion: 'client-authentication+jwt',
  /** RFC 10070 §4. Never accepted by Tallystick. */
  authorizationGrant: 'authorization-grant+jwt',
  /** What clouds, vaults and older authorization servers take: they know no other. Never accepted by Tallystick. */
  plain: 'JWT',
} as const;

/** The claims that Tallystick adds to an access token, under `tallystick`. */
export interface TallystickClaims {
  readonly lease: string;
  readonly owner: { readonly id: string; readonly kind: string };
  readonly environment: string;
  /** The business processes the identity is registered for. */
  readonly processes: readonly string[];
  /** The registry root (base64url) under which the token was minted. */
  readonly registry: string;
  /** Thumbprint of the key that was given the token, where it is bound to a certificate and "cnf" does not say so. */
  readonly holder?: string;
  /** Lease id of the certificate that the token is bound to. It ends with that. */
  readonly certificate?: string;
}
