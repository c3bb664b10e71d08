import { TallystickError } from '@tallystick/core';

/** Why bytes are no record, or a record may not be written. Closed. */
export type RecordFault =
  /** Not UTF-8, or not a JSON object. */
  | 'json'
  /** JSON, but not the one text that RFC 8785 has for it: two readers could see two things in it. */
  | 'canonical'
  /** Longer than 60,000 bytes. */
  | 'length'
  /** A member of the envelope is missing, strange or of the wrong shape. */
  | 'envelope'
  /** The body of a known type and version is not of its shape. */
  | 'body'
  /** A member's name or a value looks like a secret. */
  | 'secret'
  /** A leaf of the log says that it is another one. */
  | 'place';

/** A refused record. Its code is `log_invalid` when it was read, `record_unavailable` when it was to be written. */
export class RecordError extends TallystickError {
  readonly fault: RecordFault;

  constructor(fault: RecordFault, description: string, direction: 'read' | 'write') {
    if (direction === 'read') super('log_invalid', description);
    else
      super('record_unavailable', description, { remedy: 'this is a bug of the writer: report it', retryable: false });
    this.fault = fault;
  }
}
