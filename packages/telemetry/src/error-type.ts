import { ERROR_CODES, TallystickError } from '@tallystick/core';

/** Codes that Node and undici give to errors: constants of their source, so free of anything a peer sent. */
const SYSTEM_CODE = /^(?:E[A-Z0-9]{2,20}|ERR_[A-Z0-9_]{2,60}|UND_ERR_[A-Z_]{2,40})$/;

/**
 * Returns the `error.type` of an error: the code of ours, the constant of a system error, `aborted` or `timeout` by
 * name, else `_OTHER`. Never anything that a foreign library composed, which may hold a request or its answer.
 */
export function errorType(error: unknown): string {
  if (TallystickError.is(error)) return error.code;
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown };
  if (typeof code === 'string' && SYSTEM_CODE.test(code)) return code;
  if (name === 'AbortError') return 'aborted';
  if (name === 'TimeoutError') return 'timeout';
  return '_OTHER';
}

/** Returns what may be said of an error in the status of a span: for ours its code and remedy, else nothing. */
export function errorDescription(error: unknown): string | undefined {
  if (!TallystickError.is(error)) return undefined;
  // Not the error's own remedy, which a caller may have composed; undefined for the code of a newer copy.
  const known = ERROR_CODES[error.code] as { remedy: string } | undefined;
  return known ? `${error.code}: ${known.remedy}` : error.code;
}
