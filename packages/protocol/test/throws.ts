import { TallystickError, type ErrorCode } from '@tallystick/core';

/** The code with which `call` refuses, or undefined where it does not. Any other error is a defect, and thrown on. */
export function refusal(call: () => unknown): ErrorCode | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (TallystickError.is(error)) return error.code;
    throw error;
  }
}
