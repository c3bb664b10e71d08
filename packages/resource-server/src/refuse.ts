import { printable } from '@tallystick/core';
import type { NonceSource } from '@tallystick/dpop';
import { formatChallenge } from './challenge.ts';
import type { Scheme } from './credentials.ts';
import type { Fault } from './fault.ts';
import type { PublicOrigin } from './public-origin.ts';
import { answerTo } from './reason.ts';
import { Refusal } from './refusal.ts';
import { metadataUrl } from './resource-metadata.ts';

/** What is known of a request that is refused. */
export interface RefusedRequest {
  readonly origin: PublicOrigin | undefined;
  /** How the token was shown. Undefined: not at all, or not in a way that could be read. */
  readonly scheme: Scheme | undefined;
  /** What the token would need. */
  readonly scope?: readonly string[];
}

/** Turns a fault into the answer to give. */
export type Refuse = (fault: Fault, request: RefusedRequest) => Refusal;

/** Returns how this API refuses. @param schemes Those it takes. */
export function createRefuse(schemes: readonly Scheme[], nonces: NonceSource | undefined): Refuse {
  return (fault, { origin, scheme, scope }) => {
    const { status, error } = answerTo(fault.reason);
    const description = printable(fault.message, 400);
    const headers: Record<string, string> = {};
    if (status !== 503) {
      headers['WWW-Authenticate'] = formatChallenge({
        // RFC 9449 §7.2: of several schemes, the one that was used says what is wrong.
        schemes: scheme !== undefined && schemes.includes(scheme) ? [scheme] : schemes,
        error,
        description,
        scope,
        resourceMetadata: origin && metadataUrl(origin),
      });
    }
    if (nonces) headers['DPoP-Nonce'] = nonces.current();
    return new Refusal({ reason: fault.reason, description, headers, cause: fault.cause });
  };
}
