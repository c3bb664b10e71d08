import type { AnchoringStatus } from './anchoring-status.ts';

/** A head, as records and telemetry name it: its root is base64. */
export interface AnchoredHeadMember {
  readonly origin: string;
  readonly size: number;
  readonly root: string;
}

/** Makes one log known outside of its machine. Nothing that a workload waits for waits for it. */
export interface Anchoring {
  status(): AnchoringStatus;
  /** Returns the newest head with the quorum of the witnesses; undefined where there is none. */
  newest(): AnchoredHeadMember | undefined;
  /** True while a call to the replica hangs: the process can then be ended by a signal alone. */
  readonly hangs: boolean;
  /** Makes what is published now known as well, if that takes no longer than `deadlineMs`, and ends. Does not reject. */
  finish(deadlineMs: number): Promise<void>;
  /** Gives up what is under way, and ends. Does not reject. */
  stop(): Promise<void>;
}
