import { hash } from 'node:crypto';
import { canonicalJson } from '@tallystick/core';
import type { ClaimedProcess } from '@tallystick/protocol';

/**
 * Returns the hash of what a workload asks for: base64url SHA-256 of the canonical JSON of identity, credential,
 * resource, scopes, lifetime, claimed process and key. Approvals bind to it.
 */
export function requestHash(request: {
  readonly identity: string;
  readonly credential: string | null;
  readonly resource: string | null;
  readonly scopes: readonly string[];
  readonly process: ClaimedProcess | null;
  readonly jkt: string;
}): string {
  return hash(
    'sha256',
    canonicalJson({
      identity: request.identity,
      credential: request.credential,
      resource: request.resource,
      scopes: [...request.scopes].sort(),
      authorization_details: null,
      lifetime: null,
      process: request.process && { ...request.process },
      jkt: request.jkt,
    }),
    'base64url',
  );
}
