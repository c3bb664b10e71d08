import { TallystickError, type TallystickErrorOptions, type ErrorCode } from '@tallystick/core';

/** A refusal by `authorize` that is on record. Any other refusal is only counted. */
export class Denial extends TallystickError {
  /** Id of its record; null when it was suppressed in a flood. */
  readonly recordId: string | null;

  constructor(code: ErrorCode, description: string, recordId: string | null, options: TallystickErrorOptions = {}) {
    super(code, description, options);
    this.recordId = recordId;
  }
}
