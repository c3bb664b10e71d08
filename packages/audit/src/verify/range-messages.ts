import { TallystickError } from '@tallystick/core';
import type { BundleRange, DerivedRange } from './derive-range.ts';

/** What is asked of a thread that derives ranges. */
export interface RangeQuestion {
  readonly id: number;
  readonly range: BundleRange;
}

/** What it answers: the range, or the error that kept it from reading it. */
export type RangeAnswer =
  | { readonly id: number; readonly derived: DerivedRange }
  | { readonly id: number; readonly failure: RangeFailure };

/** An error as it goes from thread to thread: those keep neither its class nor what a system call added to it. */
export interface RangeFailure {
  /** `log_invalid`, or that of the system call. */
  readonly code: string | undefined;
  readonly description: string;
}

export function rangeFailureOf(error: unknown): RangeFailure {
  if (TallystickError.is(error)) return { code: error.code, description: error.description };
  const { code, message }: NodeJS.ErrnoException = error instanceof Error ? error : new Error(String(error));
  return { code, description: message };
}

/** Returns the error again, in the thread that asked. */
export function rangeErrorOf({ code, description }: RangeFailure): Error {
  if (code === 'log_invalid') return new TallystickError(code, description);
  return Object.assign(new Error(description), { code });
}
