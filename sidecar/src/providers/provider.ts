import type { Binding, Clock, CredentialType, IdentityObject, Random, Timers } from '@tallystick/core';
import type { Material } from '@tallystick/protocol';
import type { Report, Path } from '../config/fault.ts';
import type { Shape } from '../config/shape.ts';
import type { AssertionKeys } from '../issuer/assertion-keys.ts';
import type { Log } from '../observe/log.ts';
import type { OwnSecrets } from './own-secrets.ts';

/**
 * A type of upstream: how it is configured, and how it is opened. One file each, listed in `kinds.ts`; what it needs to
 * speak with the upstream is loaded by {@link ProviderKind.open}, when a credential is asked of it for the first time.
 *
 * @typeParam Settings One value of `providers`.
 * @typeParam Wanted One value of `credentials` that names such a provider.
 */
export interface ProviderKind<Settings = unknown, Wanted = unknown> {
  /** The `type` of the configuration. */
  readonly type: string;
  /** One value of `providers`, `type` included. */
  readonly settings: Shape<Settings>;
  /** One value of `credentials`: the members of `UPSTREAM_CREDENTIAL`, and its own. */
  readonly credential: Shape<Wanted>;
  /**
   * True where it signs as our `federation`, which the configuration must have then: for whatever it makes, or for one
   * credential alone. Pure.
   */
  needsFederation?(settings: Settings, wanted?: Wanted): boolean;
  /** Returns the secret of another upstream that the sidecar signs in with, and where that is said. Pure. */
  signsInWith?(settings: Settings): { readonly credential: string; readonly at: Path } | undefined;
  /** Says what the configuration alone tells of a credential. Pure. */
  describe(wanted: Wanted, settings: Settings): CredentialTraits;
  /** Reports what is wrong between settings and a credential, both without a mistake in themselves. Pure. */
  judge?(wanted: Wanted, settings: Settings, at: Path, report: Report): void;
  /** Returns the provider. Asks the upstream nothing yet: it may be away. */
  open(settings: Settings, context: ProviderContext): Promise<Provider<Wanted>>;
}

/** What the configuration alone tells of a credential. */
export interface CredentialTraits {
  readonly type: CredentialType;
  /** How far possession is proven where it is used. */
  readonly binding: Binding;
  /** `own`: each key gets one of its own, which its applicant's key or proof goes into. `shared`: all holders share one. */
  readonly holders: 'shared' | 'own';
  /** The API it is for, where that has a name. */
  readonly audience?: string | undefined;
  /** Scope values, sorted. */
  readonly scope?: readonly string[] | undefined;
  /** Asked for where the configuration says nothing else, milliseconds. */
  readonly defaultLifetimeMs: number;
  /** What consumers need left when it is replaced, milliseconds (AWS SDKs: 20 min). */
  readonly floorMs?: number | undefined;
  /** True where its upstream may extend it: that is done later than it would be replaced. */
  readonly isExtended?: boolean | undefined;
  /** False of an X.509 certificate that is known to be for servers alone. */
  readonly isClientCertificate?: boolean | undefined;
}

/** What a provider is opened with. */
export interface ProviderContext {
  /** Its name in the configuration. */
  readonly name: string;
  readonly trustDomain: string;
  /** ULID of this sidecar. */
  readonly sidecarId: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  /**
   * Returns a JWT by one of our own keys: `client` for assertions to an authorization server, `federation` for clouds
   * and vaults that trust our issuer. The signer adds `iss` of the role and `iat` where `claims` have none.
   */
  readonly sign: AssertionKeys['sign'];
  /** The secrets of other upstreams that the sidecar itself signs in with. */
  readonly ownSecrets: OwnSecrets;
  /** What the provider keeps over a restart, in a file among the sidecar's keys. Never a credential of a workload. */
  readonly memory: ProviderMemory;
}

/** A value that outlives the process: durable when `write` resolves, mode 0600, with a digest against torn writes. */
export interface ProviderMemory {
  read(): Promise<unknown>;
  write(value: unknown): Promise<void>;
}

/**
 * An upstream that credentials come from. It makes, renews and ends; it caches nothing, and it retries nothing: when to
 * ask, and how often, is decided by who calls it. All methods may be called concurrently.
 *
 * Every method throws a `TallystickError` with one of the `upstream_*` codes, and nothing of an answer's body in it.
 */
export interface Provider<Wanted = unknown> {
  /**
   * Refuses an order that lacks what only its applicant can add. Asks the upstream for nothing that is not public, and is
   * called before the intent is on record.
   *
   * @throws {TallystickError} `csr_refused`; an {@link UpstreamProofRequired}; `upstream_*`.
   */
  requireApplicant?(order: MintOrder<Wanted>): Promise<void> | void;
  /**
   * Makes a new credential.
   *
   * @throws {TallystickError} `upstream_*`; `csr_refused`; an {@link UpstreamProofRequired}.
   */
  mint(order: MintOrder<Wanted>): Promise<Made>;
  /**
   * Extends what was made. Absent where nothing of this provider can be.
   *
   * @throws {TallystickError} `upstream_not_found`: it has ended upstream, and a new one must be made.
   */
  renew?(handle: string, order: RenewOrder<Wanted>): Promise<Renewed>;
  /** Ends what was made, and all that was made with it. Absent where nothing of this provider can be. */
  end?(handle: string, signal: AbortSignal): Promise<'revoked' | 'not_found'>;
  /** Says what is missing upstream for a credential, in words that can be pasted there. Mints nothing. */
  check(wanted: Wanted, signal: AbortSignal): Promise<readonly CheckFinding[]>;
  /** Lets go of the upstream: its timers, its connections, its own login. What was made lives on. Never rejects. */
  close(): Promise<void>;
}

/** An order for one new credential. */
export interface MintOrder<Wanted = unknown> {
  /** Stands in the upstream's own records, as far as it takes it. */
  readonly leaseId: string;
  /** The credential's name in the configuration. */
  readonly name: string;
  readonly wanted: Wanted;
  /** Scope values it may have, sorted: what the entitlement and the request leave of those of the credential. */
  readonly scope: readonly string[];
  /** How long it should live, milliseconds. The upstream may give less. */
  readonly lifetimeMs: number;
  readonly identity: IdentityObject;
  /** The business process that it is for, as the workload claims; undefined where the credential is not attributed. */
  readonly process: { readonly id: string; readonly run: string | undefined } | undefined;
  readonly applicant: Applicant;
  /**
   * Makes durable under the lease id what ends all that this order makes. To be awaited before anything is made, where
   * the upstream can tell it beforehand: then nothing is orphaned by a crash. What is kept is ended when the order fails.
   */
  keep(handle: string): Promise<void>;
  /** Aborts at the deadline, and when the sidecar stops. */
  readonly signal: AbortSignal;
}

/** What the workload has sent along, for a credential that is its own. */
export interface Applicant {
  /** Thumbprint of its key. */
  readonly jkt: string;
  /** DER of a PKCS#10 request. */
  readonly csr?: Buffer | undefined;
  /** One OpenSSH public key line. */
  readonly publicKey?: string | undefined;
  /** A proof for the authorization server, made after an {@link UpstreamProofRequired}. */
  readonly upstreamProof?: string | undefined;
}

/** What a provider has made. */
export interface Made {
  readonly material: Material;
  /** Milliseconds since the epoch; never later than what the upstream guarantees. */
  readonly expiresAtMs: number;
  /** Public names under which the upstream's own log knows it. */
  readonly handles: UpstreamHandles;
  /** Ends or renews it; undefined where it ends by itself alone. */
  readonly handle?: string | undefined;
  /** Until when it can be renewed at the most, milliseconds since the epoch; undefined: it cannot be. */
  readonly renewableUntilMs?: number | undefined;
  /** Where it is not what {@link CredentialTraits} say. */
  readonly binding?: Binding | undefined;
}

/** An order to extend what was made. */
export interface RenewOrder<Wanted = unknown> extends Pick<
  MintOrder<Wanted>,
  'leaseId' | 'wanted' | 'lifetimeMs' | 'signal'
> {}

/** What was extended. */
export type Renewed = Pick<Made, 'expiresAtMs' | 'renewableUntilMs'>;

/** Names of a credential that are no secret. */
export interface UpstreamHandles {
  readonly accessKeyId?: string;
  readonly certificateSerial?: string;
  readonly databaseUser?: string;
  readonly jti?: string;
  /** The HMAC that Vault's own audit log has of its lease id. */
  readonly vaultLeaseHmac?: string;
}

/** What `tallystick check --online` says of one thing upstream. */
export interface CheckFinding {
  readonly ok: boolean;
  /** What was looked at: "login", "path database/creds/ledger-writer". */
  readonly what: string;
  /** What was found, in a sentence without secrets. */
  readonly message: string;
  /** What to do upstream, ready to be pasted; undefined where all is well. */
  readonly remedy?: string | undefined;
}
