import { TallystickError, type Clock } from '@tallystick/core';
import { faultOf } from './fault.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** What a log line may hold beside its message: no object is printed whole, so that nothing slips in with it. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** The sidecar's own log: what it did and what went wrong, for whoever runs it. It is not the record. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** The inputs of {@link createLog}. */
export interface LogOptions {
  /** Writes one line, its end included. */
  readonly write: (line: string) => void;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** The lowest level that is written. */
  readonly level: LogLevel;
}

/** Returns a log of JSON lines: `time`, `level`, `message`, then the fields. */
export function createLog({ write, clock, level }: LogOptions): Log {
  const at =
    (own: LogLevel) =>
    (message: string, fields?: LogFields): void => {
      if (RANK[own] < RANK[level]) return;
      write(`${JSON.stringify({ time: new Date(clock.nowMs()).toISOString(), level: own, message, ...fields })}\n`);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/**
 * Returns what may be logged of an error: ours whole, of a foreign one its class, system code and place in the
 * code alone, because its message may quote what it was given.
 */
export function errorFields(error: unknown): LogFields {
  if (TallystickError.is(error)) {
    const fault = faultOf(error);
    return {
      code: error.code,
      ...(fault !== undefined && { fault }),
      error: error.message,
      ...(error.cause !== undefined && errorCause(error.cause)),
    };
  }
  return errorCause(error);
}

function errorCause(error: unknown): LogFields {
  const { name, code, syscall } = (error ?? {}) as { name?: unknown; code?: unknown; syscall?: unknown };
  const at = error instanceof Error ? firstFrame(error) : undefined;
  return {
    cause: typeof name === 'string' ? name : typeof error,
    ...(at !== undefined && { at }),
    ...(typeof code === 'string' && { errno: code }),
    ...(typeof syscall === 'string' && { syscall }),
  };
}

/** The place in the code that made an error: of its stack the first frame, and nothing of its message. */
function firstFrame({ stack = '', message }: Error): string | undefined {
  const start = stack.indexOf(message);
  if (start < 0) return undefined;
  return /^\s+at (.+)$/m.exec(stack.slice(start + message.length))?.[1];
}
