import { TallystickError } from '@tallystick/core';

/** That a request never left for its upstream: whatever else is not known, it has done nothing there. */
export class NotSent extends TallystickError {
  /** Returns the same error, as one of a request that never left: of the class that this is asked of. */
  static of(error: TallystickError): NotSent {
    if (error instanceof this) return error;
    const { code, description, remedy, retryable, retryAfterMs, cause } = error;
    return new this(code, description, {
      remedy,
      retryable,
      cause,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    });
  }
}
