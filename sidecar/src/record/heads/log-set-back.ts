import { LogError } from '@tallystick/audit';
import { TallystickError } from '@tallystick/core';

/** How a log does not lead to a head of its own. */
export type SetBackFault = 'behind_anchor' | 'forked';

const REMEDY =
  'put the newest copy of "state.audit" back; where there is none, copy it away as evidence, then begin a new incarnation of the log: "tallystick run --new-incarnation REASON"';

/** That a workload has shown a head that this log has signed, and has not grown from. */
export class LogSetBack extends TallystickError {
  readonly fault: SetBackFault;

  /** @param code `record_unavailable` while the sidecar runs, `state_unusable` where it does not start. */
  constructor(
    code: 'record_unavailable' | 'state_unusable',
    fault: SetBackFault,
    description: string,
    cause?: unknown,
  ) {
    super(code, `the log was set back, as a workload has shown: ${description}`, {
      remedy: REMEDY,
      ...(cause !== undefined && { cause }),
    });
    this.fault = fault;
  }
}

/** Returns what is said of a log that does not lead to the head that it was held against. */
export function asSetBack(error: unknown): unknown {
  if (!(error instanceof LogError) || (error.fault !== 'behind_anchor' && error.fault !== 'forked')) return error;
  return new LogSetBack('state_unusable', error.fault, error.description, error);
}
