import { TallystickError, type ErrorCode } from '@tallystick/core';

interface FaultEntry {
  readonly code: ErrorCode;
  readonly remedy: string;
  readonly retryable?: boolean;
}

const NEW_INCARNATION =
  'copy the folder away as evidence, then begin a new incarnation of the log by "tallystick run --new-incarnation REASON"; its first record names the last good head';
const REPLICA =
  'copy the folder away as evidence, then restore "tile/" and "checkpoint" from the replica, or begin a new incarnation of the log';

/** Every way in which a log as a whole fails or is refused, with the operator's next step. Closed. */
const FAULTS = {
  // Not opened
  locked: {
    code: 'state_unusable',
    remedy: 'stop the process that has the log open, or give this one a folder of its own under "state.audit"',
  },
  network_disk: {
    code: 'state_unusable',
    remedy: 'put "state.audit" on a disk of this machine; the locks and syncs of a network file system promise less',
  },
  unreadable: { code: 'state_unusable', remedy: 'repair the disk under "state.audit", then start again' },
  checkpoint_invalid: { code: 'state_unusable', remedy: REPLICA },
  checkpoint_missing: { code: 'state_unusable', remedy: REPLICA },
  head_invalid: {
    code: 'state_unusable',
    remedy: 'restore the key that signed the log; where it is lost, begin a new incarnation of the log',
  },
  tail_lost: { code: 'state_unusable', remedy: NEW_INCARNATION },
  forked: { code: 'state_unusable', remedy: NEW_INCARNATION },
  behind_anchor: { code: 'state_unusable', remedy: NEW_INCARNATION },
  tiles_damaged: { code: 'state_unusable', remedy: REPLICA },
  cut_damaged: { code: 'state_unusable', remedy: NEW_INCARNATION },
  // Opened, and failed since
  tile_differs: { code: 'record_unavailable', remedy: REPLICA, retryable: false },
  disk_full: { code: 'record_unavailable', remedy: 'free space under "state.audit", then start again' },
  write_failed: {
    code: 'record_unavailable',
    remedy: 'repair the disk under "state.audit", then start again; nothing that was acknowledged is lost',
  },
  // Refused for now
  no_space: {
    code: 'record_unavailable',
    remedy: 'raise "audit.localMax", or free space under "state.audit"; nothing is released without its record',
  },
  backlog: { code: 'record_unavailable', remedy: 'retry; the disk under "state.audit" is slower than the records' },
  closed: { code: 'record_unavailable', remedy: 'retry; the log is being closed' },
} as const satisfies Record<string, FaultEntry>;

/** The closed set of the faults of a log. */
export type LogFault = keyof typeof FAULTS;

/** A log that cannot be opened, or cannot take records. */
export class LogError extends TallystickError {
  readonly fault: LogFault;

  constructor(fault: LogFault, description: string, cause?: unknown) {
    const { code, ...known }: FaultEntry = FAULTS[fault];
    super(code, description, cause === undefined ? known : { ...known, cause });
    this.fault = fault;
  }
}

/** Returns the failure of a call to the disk; one that has a code already is kept as it is. */
export function fileError(description: string, cause: unknown): TallystickError {
  if (TallystickError.is(cause)) return cause;
  const errno = (cause as NodeJS.ErrnoException | null)?.code;
  const full = errno === 'ENOSPC' || errno === 'EDQUOT';
  return full
    ? new LogError('disk_full', `${description}: no space is left`, cause)
    : new LogError('write_failed', description, cause);
}
