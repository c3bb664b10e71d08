import { JWT_TYPE, type IdentityObject, type TallystickClaims } from '@tallystick/core';
import type { Signer } from './signer.ts';

/** What an access token says. */
export interface TokenContent {
  readonly identity: IdentityObject;
  readonly audience: string;
  /** Scope values, sorted. */
  readonly scope: readonly string[];
  /** Thumbprint of the holder's key. */
  readonly jkt: string;
  /** The certificate that the token is bound to instead of to that key: its lease, and its thumbprint. */
  readonly certificate?: { readonly leaseId: string; readonly x5t: string } | undefined;
  /** The lease id; it is the `jti` too, so that one id revokes the token wherever it is known. */
  readonly leaseId: string;
  readonly registryRoot: string;
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
  /** The claimed run, where the credential is attributed by run. */
  readonly run?: string | undefined;
}

/**
 * Returns an RFC 9068 access token bound to the holder's key (RFC 9449 §6.1), or to a certificate alone (RFC 8705 §3.1):
 * a verifier that knew both would ask for both.
 *
 * @throws {TallystickError} `signer_unavailable`
 */
export function mintToken(signer: Signer, content: TokenContent): Promise<string> {
  const { identity, certificate, jkt } = content;
  const tallystick: TallystickClaims & { run?: string } = {
    lease: content.leaseId,
    owner: { id: identity.owner.id, kind: identity.owner.kind },
    environment: identity.environment,
    processes: identity.businessProcesses,
    registry: content.registryRoot,
    ...(certificate && { holder: jkt, certificate: certificate.leaseId }),
    ...(content.run !== undefined && { run: content.run }),
  };
  return signer.sign(
    JWT_TYPE.accessToken,
    JSON.stringify({
      iss: signer.issuer,
      sub: identity.id,
      client_id: identity.id,
      aud: content.audience,
      iat: content.issuedAt,
      exp: content.expiresAt,
      jti: content.leaseId,
      scope: content.scope.length > 0 ? content.scope.join(' ') : undefined,
      cnf: certificate ? { 'x5t#S256': certificate.x5t } : { jkt },
      tallystick,
    }),
  );
}
