import type { X509Credential } from '@tallystick/core';
import type { EntitledCredential } from '@tallystick/protocol';
import type { CredentialSource } from './credential-source.ts';
import type { HeldToken, ProvableToken } from './held-token.ts';
import type { Holder } from './holder.ts';
import { proofFor, type ProvenRequest } from './proof-for.ts';

/** How requests with one credential show who sends them. */
export interface Authentication<H extends HeldToken = HeldToken> {
  readonly scheme: 'DPoP' | 'Bearer';
  readonly source: CredentialSource<H>;
  /** Returns the headers of one attempt, and counts the use. */
  headersFor(held: H, request: ProvenRequest): AuthenticationHeaders;
}

/** What stands in a request. No proof where the connection is the proof. */
export interface AuthenticationHeaders {
  readonly authorization: string;
  readonly dpop?: string;
}

/**
 * Returns how requests with a credential are authenticated: by a proof each (RFC 9449 §7), or over connections that show
 * `certificate` (RFC 8705 §3), where the credential is bound to that.
 *
 * @throws {TallystickError} `certificate_required`
 */
export function authenticationFor(
  holder: Holder,
  entitled: EntitledCredential,
  certificate: X509Credential | undefined,
): Authentication {
  return entitled.certificate === undefined ? byProof(holder, entitled) : byCertificate(holder, entitled, certificate);
}

function byProof(holder: Holder, entitled: EntitledCredential): Authentication {
  const source = holder.tokens(entitled);
  const authentication: Authentication<ProvableToken> = {
    scheme: 'DPoP',
    source,
    headersFor: (held, request) => ({
      authorization: held.authorization.reveal(),
      dpop: proofFor(holder, held, request),
    }),
  };
  return authentication;
}

function byCertificate(
  holder: Holder,
  entitled: EntitledCredential,
  certificate: X509Credential | undefined,
): Authentication {
  return {
    scheme: 'Bearer',
    source: holder.boundTokens(entitled, certificate),
    headersFor(held, { origin }) {
      holder.usage.count(held, origin);
      return { authorization: held.authorization.reveal() };
    },
  };
}
