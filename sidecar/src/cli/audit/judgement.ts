import { VERIFY_EXIT } from '@tallystick/audit';
import { TallystickError } from '@tallystick/core';
import type { ExitCode, Output } from '../command.ts';

/**
 * Runs what judges evidence. What keeps it from judging ends with {@link VERIFY_EXIT.unusable}: so that 1 always means
 * that something was judged, and fails.
 */
export async function judging(stderr: Output, judge: () => Promise<ExitCode>): Promise<ExitCode> {
  try {
    return await judge();
  } catch (error) {
    if (!TallystickError.is(error)) throw error;
    stderr.write(`tallystick: ${error.description}\n  ${error.remedy}\n`);
    return VERIFY_EXIT.unusable;
  }
}
