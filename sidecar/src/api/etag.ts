import { hash } from 'node:crypto';

/** Returns the entity tag over the bytes of a body, quotes included. */
export function etagOf(body: string | Uint8Array): string {
  return `"${hash('sha256', body, 'base64url')}"`;
}

/** True when `If-None-Match` names `etag`, by weak comparison: caches on the way may have weakened it (RFC 9110 §13.1.2). */
export function isKnown(etag: string, ifNoneMatch: string | undefined): boolean {
  return ifNoneMatch?.split(',').some((given) => /^(?:W\/)?(.*)$/.exec(given.trim())![1] === etag) ?? false;
}
