/** What a `traceparent` says of the caller's span. A claim. */
export interface Traceparent {
  /** 32 lower-case hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits, not all zero. */
  readonly spanId: string;
  readonly sampled: boolean;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * Parses a `traceparent` header (W3C Trace Context §3.2). A version above 00 may carry more after the flags; version
 * ff, ids of zeros and upper-case digits are invalid.
 *
 * @returns Undefined when it is absent or invalid: the caller then has no trace.
 */
export function parseTraceparent(text: string | undefined): Traceparent | undefined {
  const match = text === undefined || text.length > 256 ? undefined : TRACEPARENT.exec(text);
  if (!match) return undefined;
  const [, version = '', traceId = '', spanId = '', flags = '', more] = match;
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}
