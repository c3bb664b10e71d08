import type { Binding } from '@tallystick/core';

/** Who answers for a caller. */
export interface CallerOwner {
  readonly id: string;
  /** `team`, `role` or `person`; a newer issuer may know more. */
  readonly kind: string;
}

/**
 * Who makes a request, as a verified access token says. Frozen, and shared by all requests with the same token.
 *
 * A caller is the pair of `issuer` and `identity`: two issuers may use one name for two.
 */
export interface Caller {
  /** The subject of the token: a SPIFFE ID where the issuer is a Tallystick sidecar. */
  readonly identity: string;
  readonly issuer: string;
  /** The OAuth client; the same as `identity` where the issuer is a Tallystick sidecar. */
  readonly clientId: string;
  /** Undefined for issuers that do not name one. */
  readonly owner: CallerOwner | undefined;
  /** The environment that the identity is registered for. Undefined for issuers that do not name one. */
  readonly environment: string | undefined;
  /** The business processes that the identity is registered for. */
  readonly processes: readonly string[];
  readonly scopes: readonly string[];
  /**
   * `dpop`: the request proved possession of the token's key; `mtls`: its connection did, of the key of a certificate.
   * `none`: a bearer token, good for whoever has it.
   */
  readonly binding: Extract<Binding, 'dpop' | 'mtls' | 'none'>;
  /** Thumbprint of the caller's key. Undefined where the token is bound to none. */
  readonly jkt: string | undefined;
  /** Thumbprint of the certificate that its connection showed. Undefined where the token is bound to none. */
  readonly x5t: string | undefined;
  /** The lease that the token came from. Undefined for issuers that do not name one. */
  readonly leaseId: string | undefined;
  /** `jti` of the token. */
  readonly tokenId: string;
  readonly expiresAt: Date;
  /** Every claim of the token. */
  readonly claims: Readonly<Record<string, unknown>>;
}
