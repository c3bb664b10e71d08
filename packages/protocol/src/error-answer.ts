import { ERROR_CODES, genericCode, isErrorCode, printable, TallystickError } from '@tallystick/core';

/** Returns the JSON members of an error answer (RFC 6749 §5.2), with `code`, `remedy` and `retryable`. */
export function formatError(error: TallystickError): Record<string, unknown> {
  return {
    error: ERROR_CODES[error.code].oauth,
    error_description: error.description,
    code: error.code,
    remedy: error.remedy,
    retryable: error.retryable,
  };
}

/**
 * Returns the error that an answer stands for. Whatever the body, this returns one: a code that is not known
 * becomes the generic code of its OAuth `error`, a body that is not ours becomes `protocol_error`. Remedy and
 * retryability are the peer's where it states them, else those of the code.
 *
 * @param answer `retryAfter` is the `Retry-After` header: seconds. A date is ignored.
 */
export function parseError(answer: { status: number; body: string; retryAfter?: string | undefined }): TallystickError {
  let members: Record<string, unknown> = {};
  try {
    members = (JSON.parse(answer.body) as Record<string, unknown> | null) ?? {};
  } catch {
    // Judged below: no "error" in it.
  }
  const { error, error_description: description, code, remedy, retryable } = members;
  if (typeof error !== 'string') {
    return new TallystickError('protocol_error', `the sidecar answered ${answer.status} without an OAuth error`);
  }
  const retryAfterMs = parseRetryAfter(answer.retryAfter);
  return new TallystickError(
    isErrorCode(code) ? code : genericCode(error),
    typeof description === 'string' && description !== '' ? printable(description, 400) : printable(error),
    {
      ...(typeof remedy === 'string' && { remedy: printable(remedy, 400) }),
      ...(typeof retryable === 'boolean' && { retryable }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    },
  );
}

/** RFC 9110 §10.2.3, seconds alone. Zero counts as absent: a caller that waits for nothing hammers. */
function parseRetryAfter(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,8}$/.test(text) ? Number(text) * 1000 : undefined;
}
