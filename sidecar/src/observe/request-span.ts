import type { IdentityObject } from '@tallystick/core';
import type { RecordRef, TraceMember } from '../record/record.ts';

/** The trace of one request to the sidecar. */
export interface RequestSpan {
  /** The trace of the caller, as claimed in `traceparent`; null when there is none. */
  readonly trace: TraceMember | null;
  /** Says whose request it is. */
  identify(identity: IdentityObject): void;
  /** Says what came of a request for a credential. */
  decided(facts: { readonly decision: 'allow' | 'deny'; readonly lease?: string; readonly record?: RecordRef; readonly source?: string }): void;
  /** @param code Error code of the answer, when it is one. */
  end(status: number, code?: string): void;
}

/** Starts request spans. */
export interface RequestTracing {
  /** @param traceparent The header as it came (W3C Trace Context). */
  start(method: string, route: string, traceparent: string | undefined): RequestSpan;
}
