import { context, SpanStatusCode, trace, type AttributeValue, type Context, type Span } from '@opentelemetry/api';
import type { SpanAttributes } from './attributes.ts';
import { errorDescription, errorType } from './error-type.ts';
import { ATTR_ERROR_TYPE } from './names.ts';
import { isClean, scrubAttribute } from './scrub.ts';

/** The longest text of an attribute that we set ourselves, in characters. */
const MAX_TEXT_LENGTH = 256;

/** A span that takes names of the registry alone. */
export interface ActiveSpan {
  /** A context in which it is the parent of what is started. */
  readonly context: Context;
  /** Sets attributes: secrets taken out, texts cut to 256 characters, undefined ones left out. */
  set(attributes: SpanAttributes): void;
  /** Marks it as failed, with `error.type`. Neither message nor stack of a foreign error gets into it. */
  fail(error: unknown): void;
  /** Runs `fn` with it as the active span. It does not end. */
  within<T>(fn: () => T): T;
  end(): void;
}

/** Returns `span`, started in `parent`, as an {@link ActiveSpan}. */
export function activeSpan(span: Span, parent: Context): ActiveSpan {
  const inner = trace.setSpan(parent, span);
  return {
    context: inner,
    set: (attributes) => setAttributes(span, attributes),
    fail(error) {
      const message = errorDescription(error);
      setAttributes(span, { [ATTR_ERROR_TYPE]: errorType(error) });
      span.setStatus({ code: SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) });
    },
    within: (fn) => context.with(inner, fn),
    end: () => span.end(),
  };
}

/**
 * Runs `fn` with `span` as the active one. It ends when `fn` returns, or when the promise that `fn` returns settles;
 * a throw or a rejection marks it as failed, and goes on to the caller.
 */
export function runInSpan<T>(span: ActiveSpan, fn: (span: ActiveSpan) => T): T {
  const failed = (error: unknown): never => {
    span.fail(error);
    span.end();
    throw error;
  };
  let result: T;
  try {
    result = span.within(() => fn(span));
  } catch (error) {
    return failed(error);
  }
  if (!isPromise(result)) {
    span.end();
    return result;
  }
  return result.then((value: unknown) => {
    span.end();
    return value;
  }, failed) as T;
}

/** Sets attributes on the active span, as {@link ActiveSpan.set} does; nothing without one. */
export function annotateSpan(attributes: SpanAttributes): void {
  const span = trace.getActiveSpan();
  if (span) setAttributes(span, attributes);
}

function setAttributes(span: Span, attributes: SpanAttributes): void {
  if (!span.isRecording()) return;
  // Nothing is made for a clean attribute: a busy service sets a hundred thousand in a second.
  for (const key in attributes) {
    const value = attributes[key as keyof SpanAttributes];
    if (value === undefined) continue;
    const isFit = isClean(key, value, MAX_TEXT_LENGTH);
    span.setAttribute(key, isFit ? value : (scrubAttribute(key, value, MAX_TEXT_LENGTH).value as AttributeValue));
  }
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
