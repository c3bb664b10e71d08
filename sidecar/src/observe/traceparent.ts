import type { TraceMember } from '../record/record.ts';

/**
 * Returns the ids of a W3C `traceparent` header, or null when it is absent or malformed. They are what the caller
 * claims.
 */
export function readTraceparent(header: string | undefined): TraceMember | null {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}/.exec(header ?? '');
  if (!match || match[1] === '0'.repeat(32) || match[2] === '0'.repeat(16)) return null;
  return { trace_id: match[1]!, span_id: match[2]! };
}
