import { TallystickError } from '@tallystick/core';

/** Returns the error for options that cannot be meant. @param description Names the option in quotes. */
export function misconfigured(description: string): TallystickError {
  return new TallystickError('verifier_misconfigured', description);
}
