import type { IdentityObject } from '@tallystick/core';
import type { ClaimedProcess } from '@tallystick/protocol';
import type { Lease } from '../lease/lease.ts';
import type { RecordRef, TraceMember } from '../record/record.ts';

/** The trace of one request to the sidecar. */
export interface RequestSpan {
  /** The trace of the caller, as claimed in `traceparent`; null when there is none. */
  readonly trace: TraceMember | null;
  /** Says whose request it is, and for which business process it claims to be. */
  identify(identity: IdentityObject, claimed?: ClaimedProcess): void;
  /** Says what came of a request for a credential. */
  decided(outcome: Outcome): void;
  /** @param code Error code of the answer, when it is one. */
  end(status: number, code?: string): void;
}

/** What came of a request for a credential. */
export type Outcome =
  | {
      readonly decision: 'allow';
      readonly lease: Lease;
      readonly record: RecordRef;
      readonly source: 'minted' | 'cache';
    }
  /** `recordId` is null when the denial was suppressed in a flood. */
  | { readonly decision: 'deny'; readonly code: string; readonly recordId: string | null };

/** Starts request spans. */
export interface RequestTracing {
  /** @param traceparent The header as it came (W3C Trace Context). */
  start(method: string, route: string, traceparent: string | undefined): RequestSpan;
}
