import type { Assurance, Binding, Owner } from '@tallystick/core';
import type { ClaimedProcess } from '@tallystick/protocol';

/** What kinds of records there are, and the body of each. Names and members are those of the audit log's format. */
export interface RecordBodies {
  'credential.released': CredentialBody;
  'credential.denied': CredentialBody;
  /** That a release on record did not leave: `refs` names it, `reason` says why. */
  'credential.undelivered': Readonly<Record<string, never>>;
  'credential.revoked': RevokedBody;
  /** Leases that an operator asked the holders to replace. */
  'credential.rotate_asked': { readonly leases: readonly string[]; readonly operator: Operator };
  /** From the first refusal of a minute that was not recorded one by one, to the last. */
  'denied.suppressed': SuppressedBody;
  /** Refusals before `authorize`, in one minute. */
  'refused.summary': {
    readonly uid: number;
    readonly counts: Readonly<Record<string, number>>;
    readonly first: string;
    readonly last: string;
  };
  'identity.suspended': { readonly identity: string; readonly operator: Operator };
  'identity.resumed': { readonly identity: string; readonly operator: Operator };
  /** `sha256` is of the file's bytes: which version of it was in force. */
  'config.loaded': {
    readonly identities: number;
    readonly credentials: number;
    readonly source: 'file' | 'last-good';
    readonly sha256: string;
  };
  'config.refused': { readonly mistakes: number };
  'issuer.key_rotated': { readonly kid: string; readonly previous: string | null; readonly operator: Operator | null };
  'sidecar.started': { readonly version: string; readonly node: string };
  'sidecar.stopped': { readonly cause: string };
}

export type RecordType = keyof RecordBodies;

/** What was asked for, what was given, to whom, and on which evidence. */
export interface CredentialBody {
  /** The credential's name in the configuration; null when none was found. */
  readonly name: string | null;
  readonly entitlement: string | null;
  readonly requested: {
    readonly resource: string | null;
    readonly scope: readonly string[] | null;
    readonly clientId: string | null;
  };
  readonly granted: { readonly audience: string; readonly scope: readonly string[] } | null;
  /** SHA-256 of the canonical JSON of what was asked; approvals bind to it. Base64url. */
  readonly requestHash: string;
  readonly binding: Binding | null;
  readonly jkt: string;
  readonly proof: { readonly jti: string; readonly iat: number; readonly sha256: string };
  readonly assurance: Assurance;
  readonly selectors: readonly string[];
  readonly from: { readonly node: string; readonly podUid: string | null; readonly uid: number; readonly pid: number };
  /** Public handles of what was handed out, to join other systems' logs. */
  readonly handles: { readonly jti: string } | null;
  /** Keyed fingerprint of the bytes handed out; null until the log has its keys. */
  readonly fp: null;
  /** When it ends, RFC 3339. */
  readonly notAfter: string | null;
  /** `minted` for this request, or `cache`: handed out before. */
  readonly source: 'minted' | 'cache' | null;
}

/** Which leases were taken back, by whom. */
export interface RevokedBody {
  /** Null where it is not known: of a lease that an earlier run issued, of a key without leases. */
  readonly identity: string | null;
  readonly leases: readonly string[];
  /** The key whose tokens all ended, known or not; null when single leases were named. */
  readonly jkt: string | null;
  readonly by: 'holder' | 'operator' | 'sidecar';
  readonly operator: Operator | null;
}

export interface SuppressedBody {
  readonly uid: number;
  readonly reason: string;
  /** Null while the minute lasts. */
  readonly count: number | null;
  readonly first: string;
  readonly last: string | null;
}

/** Who gave an administrative command. */
export interface Operator {
  readonly uid: number;
  /** `/proc/PID/loginuid`; null where there is none: `unattributed`. */
  readonly loginUid: number | null;
  readonly tty: string | null;
  /** What `--reason` said. */
  readonly reason: string;
}

/** What the caller of {@link Recorder.append} says; the recorder adds who, where, when and in which order. */
export interface RecordInput<T extends RecordType = RecordType> {
  readonly type: T;
  /** SPIFFE ID of the workload, `operator`, or `sidecar`. */
  readonly actor: string;
  readonly owner: Owner | null;
  readonly process: ProcessMember | null;
  readonly registry: { readonly root: string; readonly entry: string | null };
  readonly lease: string | null;
  readonly refs?: readonly { readonly rel: string; readonly id: string }[];
  readonly outcome: 'success' | 'denied' | 'failed';
  readonly reason: string | null;
  readonly trace: TraceMember | null;
  readonly body: RecordBodies[T];
}

/** The business process: what the configuration says, what the workload says, and whether they agree. */
export interface ProcessMember {
  readonly registered: readonly string[];
  readonly claimed: ClaimedProcess | null;
  readonly match: boolean | null;
}

/** The trace a request came with, as claimed by it. */
export interface TraceMember {
  readonly trace_id: string;
  readonly span_id: string;
}

/** A record that is on disk. */
export interface RecordRef {
  readonly id: string;
  readonly seq: number;
  readonly origin: string;
}

/** Puts records on disk. The only way anything is recorded. */
export interface Recorder {
  readonly origin: string;
  /**
   * Appends one record and resolves when it is durable: nothing that depends on it may become visible before.
   *
   * @throws {TallystickError} `record_unavailable`: it is not durable, and nothing more will be.
   */
  append<T extends RecordType>(input: RecordInput<T>): Promise<RecordRef>;
  /** True while records can be written. */
  isWritable(): boolean;
  /** Records waiting to become durable. */
  readonly pending: number;
  /** Waits for what was appended, then closes. */
  close(): Promise<void>;
}
