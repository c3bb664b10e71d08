import type { TallystickError } from '@tallystick/core';
import type { ClaimedProcess } from '@tallystick/protocol';
import type { Lease } from '../lease/lease.ts';
import type { RecordRef } from '../record/record.ts';
import type { Identified } from '../release/admit.ts';
import type { Denial } from '../release/denial.ts';

/** What is told of one request to the sidecar, as it goes on. */
export interface RequestSpan {
  /** Says whose request it is, and for which business process it claims to be. */
  identify(sender: Identified, claimed?: ClaimedProcess): void;
  /** Says what came of a request for a credential. */
  decided(outcome: Outcome): void;
  /** @param refusal What it was answered with, where that is no success. */
  end(status: number, refusal?: TallystickError): void;
}

/** What came of a request for a credential. */
export type Outcome =
  | {
      readonly decision: 'allow';
      readonly lease: Lease;
      readonly record: RecordRef;
      readonly source: 'minted' | 'cache';
    }
  | { readonly decision: 'deny'; readonly denial: Denial };
