import { hash } from 'node:crypto';
import { canonicalJson } from '@tallystick/core';
import type { ClaimedProcess } from '@tallystick/protocol';

/**
 * Returns the hash of what a workload asks for: base64url SHA-256 of the canonical JSON of identity, credential,
 * resource, scopes, lifetime, claimed process and key, and certificate where one is named. Approvals bind to it.
 */
export function requestHash(request: {
  readonly identity: string;
  readonly credential: string | null;
  readonly resource: string | null;
  readonly scopes: readonly string[];
  readonly process: ClaimedProcess | null;
  readonly jkt: string;
  /** Lease id of the certificate that a token is to be bound to. */
  readonly certificate?: string | undefined;
}): string {
  return hash(
    'sha256',
    canonicalJson({
      authorization_details: null,
      ...(request.certificate !== undefined && { certificate: request.certificate }),
      credential: request.credential,
      identity: request.identity,
      jkt: request.jkt,
      lifetime: null,
      process: request.process && { ...request.process },
      resource: request.resource,
      scopes: [...request.scopes].sort(),
    }),
    'base64url',
  );
}
