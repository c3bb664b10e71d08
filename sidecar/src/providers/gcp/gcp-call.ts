import type { MintOrder } from '../provider.ts';

/** What stands beside a call, in Google's own audit log (`requestMetadata.requestAttributes.reason`). */
export function requestReason({
  leaseId,
  identity,
  process,
}: Pick<MintOrder, 'leaseId' | 'identity' | 'process'>): string {
  const parts = [`lease=${leaseId}`, `identity=${identity.id}`, `owner=${identity.owner.id}`];
  if (process) parts.push(`process=${process.id}`);
  return `tallystick ${parts.join(' ')}`;
}

/** Returns the headers of a call with a token, for a reason. */
export function bearerHeaders(token: string, reason: string): Readonly<Record<string, string>> {
  return { accept: 'application/json', authorization: `Bearer ${token}`, 'x-goog-request-reason': reason };
}
