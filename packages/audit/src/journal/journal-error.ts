import { TallystickError, type ErrorCode } from '@tallystick/core';

interface FaultEntry {
  readonly code: ErrorCode;
  readonly remedy?: string;
  readonly retryable?: boolean;
}

const EVIDENCE =
  'copy the folder away as evidence, check the disk, and begin a new incarnation of the log from its last good head; nothing was changed';
const RESTART = 'repair the disk under "state.audit", then start again; the journal recovers what is durable';

/** Every way in which a journal fails, with its error code and the operator's next step. Closed. */
const FAULTS = {
  record_too_long: { code: 'record_unavailable', remedy: 'refer to larger evidence by its digest', retryable: false },
  disk_full: { code: 'record_unavailable', remedy: 'free space under "state.audit", then start again' },
  write_failed: { code: 'record_unavailable', remedy: RESTART },
  sync_failed: { code: 'record_unavailable', remedy: RESTART },
  hung: { code: 'record_unavailable', remedy: RESTART },
  sign_failed: { code: 'record_unavailable', remedy: 'restore the key of the log, then start again' },
  closed: { code: 'record_unavailable', remedy: 'start again' },
  unreadable: { code: 'state_unusable', remedy: RESTART },
  damaged: { code: 'state_unusable', remedy: EVIDENCE },
  gap: { code: 'state_unusable', remedy: EVIDENCE },
  newer: { code: 'state_newer' },
} as const satisfies Record<string, FaultEntry>;

/** The closed set of the journal's faults. */
export type JournalFault = keyof typeof FAULTS;

/** Where a journal is damaged: a segment by name, and the first bad byte in it. */
export interface DamagePlace {
  readonly segment: string;
  readonly offset: number;
}

/** A journal that cannot write, or cannot be opened. */
export class JournalError extends TallystickError {
  readonly fault: JournalFault;
  /** Present for what was found on the disk. */
  declare readonly place?: DamagePlace;

  constructor(fault: JournalFault, description: string, options: { cause?: unknown; place?: DamagePlace } = {}) {
    const { code, ...known }: FaultEntry = FAULTS[fault];
    super(code, description, options.cause === undefined ? known : { ...known, cause: options.cause });
    this.fault = fault;
    if (options.place !== undefined) Object.defineProperty(this, 'place', { value: options.place, enumerable: true });
  }
}

/** Returns the fault of a failed call: a full disk or a quota is told apart, because its remedy is another one. */
export function diskError(
  fault: 'write_failed' | 'sync_failed' | 'unreadable',
  description: string,
  cause: unknown,
): JournalError {
  if (cause instanceof JournalError) return cause;
  const errno = (cause as NodeJS.ErrnoException | null)?.code;
  if (errno === 'ENOSPC' || errno === 'EDQUOT')
    return new JournalError('disk_full', `${description}: no space is left`, { cause });
  return new JournalError(fault, description, { cause });
}
