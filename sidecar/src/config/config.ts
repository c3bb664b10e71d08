import type { Binding, CredentialType, IdentityObject, UsePrefix } from '@tallystick/core';
import type { ProviderKind } from '../providers/provider.ts';

/** The configuration, parsed, validated and with its defaults. Never changed: a reload makes a new one. */
export interface Config {
  readonly trustDomain: string;
  /** Absolute folders. */
  readonly state: { readonly keys: string; readonly leases: string; readonly audit: string };
  readonly listen: {
    readonly workload: readonly WorkloadSocket[];
    /** Absolute path of the admin socket. */
    readonly admin: string;
    readonly public: HttpListener | undefined;
    readonly health: HttpListener | undefined;
  };
  readonly issuer: {
    /** `iss`, exactly as configured. */
    readonly url: string;
    readonly signer: 'local';
  };
  /** `iss` of what clouds and vaults trust, and where the files of that issuer are read; undefined: there is none. */
  readonly federationUrl: string | undefined;
  /** A ULID. Undefined: made at the first start and kept in state. */
  readonly sidecarId: string | undefined;
  readonly audit: {
    /** What the records of production identities must outlive: `none` accepts a log in memory. */
    readonly durability: 'node' | 'none';
    /** How many bytes the logs may take; undefined: as the file system has it. */
    readonly localMax: number | undefined;
    /** By which years the log is cut into shards: their first day as `MM-DD`, and an IANA time zone. */
    readonly fiscalYear: { readonly start: string; readonly zone: string };
    readonly anchors: {
      /** Absolute path of the file of the witnesses; undefined: none is asked. */
      readonly policy: string | undefined;
      readonly intervalMs: number;
    };
    readonly replica: ReplicaConfig | undefined;
    /** A legal hold: no closed shard is deleted here. */
    readonly hold: boolean;
    /** Absolute path of the public key that fingerprint keys are sealed to; undefined: they are not sealed. */
    readonly escrow: string | undefined;
  };
  readonly fleetSize: number;
  readonly revokeOnShutdown: 'idle' | 'always' | 'never';
  /** Sorted by id. */
  readonly identities: readonly IdentityObject[];
  /** Upstreams by name, in the order of names. The built-in issuer is none of them. */
  readonly providers: ReadonlyMap<string, ProviderConfig>;
  /** By name, in the order of names. */
  readonly credentials: ReadonlyMap<string, CredentialConfig>;
}

/** Where a copy of the record is kept. */
export type ReplicaConfig = { readonly kind: 'folder'; readonly folder: string } | S3Config;

/** A bucket of an object store, with object lock. */
export interface S3Config {
  readonly kind: 's3';
  readonly bucket: string;
  readonly region: string;
  /** A URL origin. */
  readonly endpoint: string;
  /** What the names of all objects begin with: empty, or with a `/` at its end. */
  readonly prefix: string;
  /** Absolute path of the AWS credentials file. */
  readonly credentials: string;
  readonly retentionDays: number;
  readonly lock: 'compliance' | 'governance';
}

/** One socket that workloads connect to. */
export interface WorkloadSocket {
  /** Becomes the selector `tallystick:socket:<name>`. */
  readonly name: string;
  /** Absolute path. */
  readonly path: string;
  /** Octal mode bits of the socket file; default 0o666: who may connect is decided by attestation, not by mode. */
  readonly mode: number;
}

/** One TCP listener. */
export interface HttpListener {
  /** A literal address; IPv6 without brackets. */
  readonly host: string;
  /** 0: the kernel picks one. */
  readonly port: number;
  /** Values of `Host` that are answered, lower case; one without a port holds for every port. Undefined: any. */
  readonly hosts: readonly string[] | undefined;
  /** Absolute paths of PEM files; undefined: plain HTTP, which `public` speaks on loopback alone. */
  readonly tls: { readonly certificate: string; readonly key: string } | undefined;
}

/** An upstream. */
export interface ProviderConfig {
  readonly name: string;
  readonly kind: ProviderKind;
  /** As its kind reads it. */
  readonly settings: unknown;
}

/** A credential that identities may be entitled to. */
export interface CredentialConfig {
  readonly name: string;
  /** `issuer` is built in. */
  readonly provider: string;
  readonly type: CredentialType;
  readonly binding: Binding;
  /** An absolute URI where our issuer makes it, which is also the RFC 8707 resource. */
  readonly audience: string | undefined;
  /** Scope values, sorted. */
  readonly scope: readonly string[];
  /** How long it should live; an upstream may give less. */
  readonly lifetimeMs: number;
  /** What its consumers need left when it is replaced. */
  readonly floorMs: number;
  /** True where its upstream may extend it. */
  readonly isExtended?: boolean | undefined;
  /** Whether all holders share one, or each key has its own. */
  readonly holders: 'shared' | 'own';
  readonly use: readonly UsePrefix[];
  readonly attribution: 'identity' | 'process' | 'run';
  /** What its provider is asked for, as the kind of that reads it; undefined of the built-in issuer. */
  readonly wanted: unknown;
}

/** A token of the built-in issuer. */
export interface TokenConfig extends CredentialConfig {
  readonly provider: 'issuer';
  readonly type: 'access-token';
  readonly audience: string;
  /** Name of the X.509 credential that it is bound to (RFC 8705 §3); undefined: to the key that asks. */
  readonly certificate: string | undefined;
}
