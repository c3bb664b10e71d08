import { TallystickError, type TallystickErrorOptions, type ErrorCode } from '@tallystick/core';
import type { RecordRef } from '../record/record.ts';

/** What is known of a denial beside its error. */
export interface DenialFacts {
  /** Why, as `authorize` says it. */
  readonly reason: string;
  /** Name of the credential that was meant; null where that is not clear. */
  readonly credential: string | null;
  /** Its record; null when it was suppressed in a flood. */
  readonly record: RecordRef | null;
}

/** A refusal by `authorize` that is on record. Any other refusal is only counted. */
export class Denial extends TallystickError {
  readonly facts: DenialFacts;

  constructor(code: ErrorCode, description: string, facts: DenialFacts, options: TallystickErrorOptions = {}) {
    super(code, description, options);
    this.facts = facts;
  }
}
