import type { Secret } from './secret.ts';

/** The kinds of credential that Tallystick hands out. Open on the wire: an unknown one is a `secret`. */
export type CredentialType = 'access-token' | 'aws' | 'gcp' | 'azure' | 'database' | 'secret' | 'x509' | 'ssh';

/**
 * How far possession is proven where the credential is used: `dpop` by a proof with each request (RFC 9449),
 * `mtls` by the TLS handshake, `sigv4` by a signature that never sends the key, `none` not at all (bearer).
 */
export type Binding = 'dpop' | 'mtls' | 'sigv4' | 'none';

/** How a credential reached the workload: encrypted to a key of the holder, or in clear on the local socket. */
export type Delivery = 'sealed' | 'plain';

/** What every credential says of itself. A snapshot: frozen, and replaced, never changed, by rotation. */
export interface CredentialBase {
  /** Its name in the configuration. */
  readonly name: string;
  readonly type: CredentialType;
  readonly binding: Binding;
  readonly delivery: Delivery;
  /** The id that stands in every record and span that follows from it. Public. */
  readonly leaseId: string;
  /** When it will be replaced. */
  readonly rotateAt: Date;
  /** After this instant it is worthless. */
  readonly expiresAt: Date;
}

/** An OAuth access token bound to the holder's key. Of no use without a proof by that key. */
export interface AccessTokenCredential extends CredentialBase {
  readonly type: 'access-token';
  readonly token: Secret;
  readonly audience: string;
  readonly scope: string;
}

/** The shape of each credential type. Grows with the upstreams. */
export interface CredentialShapes {
  'access-token': AccessTokenCredential;
}

/** The shape of the credential type `K`. */
export type CredentialOf<K extends CredentialType> = K extends keyof CredentialShapes
  ? CredentialShapes[K]
  : CredentialBase;

/** Any credential. */
export type Credential = CredentialShapes[keyof CredentialShapes];
