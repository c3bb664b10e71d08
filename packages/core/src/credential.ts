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

/** Temporary credentials of AWS. Requests are signed by them (SigV4); who has them can sign. */
export interface AwsCredential extends CredentialBase {
  readonly type: 'aws';
  /** Public: CloudTrail shows it. */
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret;
  /** Twelve digits; empty where the upstream does not say. */
  readonly accountId: string;
}

/** A bearer token of Google Cloud. */
export interface GcpCredential extends CredentialBase {
  readonly type: 'gcp';
  readonly token: Secret;
  /** The service account it acts as; empty for the federated principal itself. */
  readonly serviceAccount: string;
}

/** A bearer token of Microsoft Entra. */
export interface AzureCredential extends CredentialBase {
  readonly type: 'azure';
  readonly token: Secret;
  /** Application (client) id. */
  readonly clientId: string;
  readonly tenantId: string;
}

/** A login of a database. Bearer. */
export interface DatabaseCredential extends CredentialBase {
  readonly type: 'database';
  /** Public: the database's own log shows it. */
  readonly username: string;
  readonly password: Secret;
}

/** Values that a store keeps under one name, and the type of whatever else is a bearer secret. */
export interface SecretCredential extends CredentialBase {
  readonly type: 'secret';
  /** By the names that the store has for them. */
  readonly values: Readonly<Record<string, Secret>>;
  /** The store's name for this version; empty where it has none. */
  readonly version: string;
}

/** An X.509 certificate for a key that the SDK made and that has never left this process. */
export interface X509Credential extends CredentialBase {
  readonly type: 'x509';
  /** PKCS#8 PEM of the private key: Node's TLS takes no key object. */
  readonly key: Secret;
  /** PEM: the certificate, then its intermediates. */
  readonly certificate: string;
  /** PEM of the certificates that others of this authority are verified by. */
  readonly authorities: string;
  /** Hexadecimal, lower case. */
  readonly serial: string;
}

/** An OpenSSH certificate for a key that the SDK made. */
export interface SshCredential extends CredentialBase {
  readonly type: 'ssh';
  /** OpenSSH private key file. */
  readonly key: Secret;
  /** One line, as in `id_ed25519-cert.pub`. */
  readonly certificate: string;
  /** Decimal. */
  readonly serial: string;
}

/** The shape of each credential type. */
export interface CredentialShapes {
  'access-token': AccessTokenCredential;
  aws: AwsCredential;
  gcp: GcpCredential;
  azure: AzureCredential;
  database: DatabaseCredential;
  secret: SecretCredential;
  x509: X509Credential;
  ssh: SshCredential;
}

/** The shape of the credential type `K`. */
export type CredentialOf<K extends CredentialType> = CredentialShapes[K];

/** Any credential. */
export type Credential = CredentialShapes[CredentialType];
