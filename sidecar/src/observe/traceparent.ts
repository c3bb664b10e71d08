import type { TraceMember } from '../record/record.ts';

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;

/**
 * Returns the ids of a `traceparent` header (W3C Trace Context §3.2), or null when it is absent or malformed. They are
 * what the caller claims. For a sidecar without telemetry, which does not load what tracing needs.
 */
export function readTraceparent(header: string | undefined): TraceMember | null {
  const [, version, traceId, spanId, more] = TRACEPARENT.exec(header ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || header!.length > 256) return null;
  if (version === 'ff' || (version === '00' && more !== undefined)) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { trace_id: traceId, span_id: spanId };
}
