import { TallystickError, type ErrorCode } from '@tallystick/core';

interface FaultEntry {
  readonly code: ErrorCode;
  readonly remedy: string;
}

const LATER = 'see that it runs and can be reached; releases go on, but what is rolled back meanwhile would not show';
const ROLLED_BACK =
  'find out whether the folder was restored from an older copy: if so, keep the folder as evidence and begin a new incarnation of the log, by "tallystick run --new-incarnation REASON"; if not, the other side is wrong, and its operator has to say why';

/** Every way in which a head of a log is not anchored, with the operator's next step. Closed. */
const FAULTS = {
  // Witnesses
  witness_unreachable: { code: 'anchor_unavailable', remedy: LATER },
  witness_slow: { code: 'anchor_unavailable', remedy: LATER },
  witness_busy: { code: 'anchor_unavailable', remedy: LATER },
  witness_unconfigured: {
    code: 'anchor_refused',
    remedy: 'give the operator of the witness the "vkey" of this log; its origin has to be on the list of the witness',
  },
  witness_answer: {
    code: 'anchor_refused',
    remedy: 'compare name, key and URL of the witness in the policy with what its operator says',
  },
  witness_ahead: { code: 'anchor_refused', remedy: ROLLED_BACK },
  witness_disagrees: { code: 'anchor_refused', remedy: ROLLED_BACK },
  // Replicas
  replica_unavailable: { code: 'anchor_unavailable', remedy: LATER },
  replica_differs: {
    code: 'anchor_refused',
    remedy:
      'keep both copies as evidence and find out which of the two was changed; then replicate into an empty place',
  },
  replica_source: {
    code: 'anchor_refused',
    remedy: 'run "tallystick audit verify": what does not lead to the signed head is not replicated',
  },
  // The file of heads
  heads_unusable: { code: 'state_unusable', remedy: 'repair the disk under "state.audit", then start again' },
} as const satisfies Record<string, FaultEntry>;

/** The closed set of the faults of anchoring. */
export type AnchorFault = keyof typeof FAULTS;

/** A head that could not be anchored, or an anchor that cannot be used. It never stops a release. */
export class AnchorError extends TallystickError {
  readonly fault: AnchorFault;

  constructor(fault: AnchorFault, description: string, cause?: unknown) {
    const { code, remedy } = FAULTS[fault];
    super(code, description, { remedy, ...(cause !== undefined && { cause }) });
    this.fault = fault;
  }
}
