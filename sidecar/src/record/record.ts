import type { Durability, Envelope, RecordBodies, RecordType, SpaceLevel } from '@tallystick/audit';
import type { AnchoringStatus } from '../anchor/anchoring-status.ts';

/** The body of a record, without its version: the recorder knows which one it writes. */
export type BodyOf<T extends RecordType> = T extends RecordType ? Omit<RecordBodies[T], 'v'> : never;

/** What was asked for, what was given, to whom, and on which evidence. */
export type CredentialBody = BodyOf<'credential.released'>;
/** Which leases were taken back, by whom. */
export type RevokedBody = BodyOf<'credential.revoked'>;
/** Who gave an administrative command. A `loginUid` of null is nobody who logged in: unattributed. */
export type Operator = RecordBodies['identity.suspended']['operator'];
/** The business process: what the configuration says, what the workload says, and whether they agree. */
export type ProcessMember = NonNullable<Envelope['process']>;
/** The trace a request came with, as claimed by it. */
export type TraceMember = NonNullable<Envelope['trace']>;

/** What the caller of {@link Recorder.append} says; the recorder adds who writes, where, when and in which order. */
export interface RecordInput<T extends RecordType = RecordType> extends Pick<
  Envelope,
  'actor' | 'owner' | 'process' | 'registry' | 'lease' | 'outcome' | 'reason' | 'trace'
> {
  readonly type: T;
  /** Of {@link Recorder.newId}, where it has to be known before the record is durable; absent: the recorder makes one. */
  readonly id?: string | undefined;
  /** Absent: the clock goes as it went, or the recorder has seen it jump. */
  readonly clock?: NonNullable<Envelope['clock']>;
  /** Other records, and leases; `origin` of those that are in another log. */
  /** Id of the record that this one follows from: that of the intent. */
  readonly corr?: string | undefined;
  readonly refs?: readonly { readonly rel: string; readonly id: string; readonly origin?: string }[];
  readonly body: BodyOf<T>;
}

/** A record that is durable under a signed head. */
export interface RecordRef {
  readonly id: string;
  /** Its index in the log. */
  readonly seq: number;
  readonly origin: string;
}

/** How the record is now. */
export interface RecordStatus {
  /** Records that are durable. */
  readonly size: number;
  /** The head that is on disk for others to read; null before the first. */
  readonly published: { readonly size: number; readonly root: string } | null;
  /** `replicated`: a replica takes what is given to it. */
  readonly durability: Durability | 'replicated';
  readonly space: { readonly level: SpaceLevel; readonly usedBytes: number; readonly maxBytes: number };
  readonly anchoring: AnchoringStatus;
}

/** Appends records to the log. The only way anything is recorded. */
export interface Recorder {
  readonly origin: string;
  /** Returns the id of a record to come. */
  newId(): string;
  /**
   * Appends one record and resolves when it is durable under a signed head: nothing that depends on it may become
   * visible before. It takes its place in the log during the call.
   *
   * @throws {TallystickError} As a rejection, `record_unavailable`: it is not durable.
   */
  append<T extends RecordType>(input: RecordInput<T>): Promise<RecordRef>;
  /** True while records can be written: nothing has failed, and there is space. */
  isWritable(): boolean;
  /** Records waiting to become durable. */
  readonly pending: number;
  status(): RecordStatus;
  /** Waits for what was appended, then closes. */
  close(): Promise<void>;
}
