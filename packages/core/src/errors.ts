import { ERROR_CODES, type ErrorCode } from './error-codes.ts';

const BRAND = Symbol.for('tallystick.error');

/** What a {@link TallystickError} may carry beside its code and message. */
export interface TallystickErrorOptions {
  /** Replaces the remedy of the code, where more is known. */
  remedy?: string;
  /** Replaces the retryability of the code, as a newer peer stated it. */
  retryable?: boolean;
  /** Milliseconds to wait before a retry. */
  retryAfterMs?: number;
  /** Kept for logs, never sent to a peer. */
  cause?: unknown;
}

/**
 * The one error class of Tallystick: a closed code, what happened, and what to do about it. Neither holds a secret
 * or the body of an upstream's answer.
 *
 * Recognise it by {@link TallystickError.is}; `instanceof` fails across two installed copies.
 */
export class TallystickError extends Error {
  readonly code: ErrorCode;
  readonly remedy: string;
  /** True when the same call may succeed later with nothing changed by its caller. */
  readonly retryable: boolean;
  /** Milliseconds to wait before a retry; absent when unknown. */
  declare readonly retryAfterMs?: number;

  /**
   * @param description What happened, lower case, without a full stop. The message is `code: description; remedy`.
   */
  constructor(code: ErrorCode, description: string, options: TallystickErrorOptions = {}) {
    const remedy = options.remedy ?? ERROR_CODES[code].remedy;
    super(`${code}: ${description}; ${remedy}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'TallystickError';
    this.code = code;
    this.remedy = remedy;
    this.retryable = options.retryable ?? ERROR_CODES[code].retryable;
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
    Object.defineProperty(this, 'description', { value: description });
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** What happened, without code and remedy. */
  declare readonly description: string;

  /** True for an error of this class, also when it was made by another installed copy. */
  static is(error: unknown): error is TallystickError {
    return typeof error === 'object' && error !== null && (error as Record<symbol, unknown>)[BRAND] === true;
  }
}

/**
 * Returns an error of a connection as it may be kept as a cause: what Node's HTTP parser throws carries the bytes it
 * read, which may hold a token. Any other error is returned as it is.
 */
export function withoutBytes(error: unknown): unknown {
  if (!(error instanceof Error) || !('rawPacket' in error)) return error;
  const { message, code } = error as Error & { code?: unknown };
  return Object.assign(new Error(message), { code });
}
