import { parseTraceparent } from '@tallystick/core';
import type { TraceMember } from '../record/record.ts';

/** Returns the ids of a `traceparent` header, or null when it is absent or malformed. They are what the caller claims. */
export function readTraceparent(header: string | undefined): TraceMember | null {
  const caller = parseTraceparent(header);
  return caller ? { span_id: caller.spanId, trace_id: caller.traceId } : null;
}
