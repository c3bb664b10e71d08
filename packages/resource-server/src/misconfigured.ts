import { strangeOption, TallystickError } from '@tallystick/core';

/** Returns the error for options that cannot be meant. @param description Names the option in quotes. */
export function misconfigured(description: string): TallystickError {
  return new TallystickError('verifier_misconfigured', description);
}

/**
 * Requires that an object of options has no member but `known`.
 *
 * @param where Where it stands, such as `"issuers"`; undefined for the options of `createVerifier` themselves.
 * @throws {TallystickError} `verifier_misconfigured`
 */
export function requireKnownOptions<T extends object>(
  options: T,
  known: Readonly<Record<keyof T & string, true>>,
  where?: string,
): void {
  const strange = strangeOption(options, known);
  if (strange !== undefined) throw misconfigured(where === undefined ? strange : `in "${where}", ${strange}`);
}
