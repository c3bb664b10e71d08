import { hash, X509Certificate } from 'node:crypto';
import { TallystickError, type X509Credential } from '@tallystick/core';
import type { EntitledCredential } from '@tallystick/protocol';

/**
 * Refuses to ask for a credential otherwise than it is bound: with its certificate where it is bound to one, and without
 * any where it is not.
 *
 * @throws {TallystickError} `certificate_required`, `invalid_request`
 */
export function requireBinding(entitled: EntitledCredential, certificate: X509Credential | undefined): void {
  const { name, certificate: wanted } = entitled;
  if (wanted === certificate?.name) return;
  if (wanted === undefined) {
    throw new TallystickError('invalid_request', `"${name}" is bound to no certificate`, {
      remedy: 'leave "certificate" out',
    });
  }
  const given = certificate === undefined ? 'none is given' : `"${certificate.name}" is given`;
  throw new TallystickError('certificate_required', `"${name}" is bound to the certificate "${wanted}", and ${given}`, {
    remedy: `call the API over connections that show it: rotatingDispatcher(identity, '${wanted}', (tls, certificate) => new Agent({ connect: tls }).compose(identity.interceptor({ certificate })))`,
  });
}

/** Returns the thumbprint of a certificate (RFC 8705 §3.1): base64url of the SHA-256 of its DER. */
export function certificateThumbprint({ certificate }: Pick<X509Credential, 'certificate'>): string {
  return hash('sha256', new X509Certificate(certificate).raw, 'base64url');
}

/** Returns what to say where the sidecar does not know the lease of a certificate: it was restarted, or has ended it. */
export function certificateReplaced({ name, leaseId }: X509Credential, cause: TallystickError): TallystickError {
  return new TallystickError('lease_unknown', `the sidecar does not know the certificate "${name}" of ${leaseId}`, {
    remedy: 'call again: the certificate is being asked for again, and what follows it takes the new one',
    retryable: true,
    cause,
  });
}
