import { hash, X509Certificate } from 'node:crypto';
import { TallystickError, type Clock } from '@tallystick/core';
import { isOwnToken } from '../authorize/registry.ts';
import type { CredentialConfig } from '../config/config.ts';
import type { LeaseTable } from '../lease/lease-table.ts';
import type { Lease } from '../lease/lease.ts';
import type { Asked } from '../record/asked.ts';

/** A whole second must be left of a certificate when the answer is made: a token is promised in seconds. */
const LEAST_LEFT_MS = 1500;

/**
 * Returns the lease of the certificate that a token is asked for, and that it is to be bound to (RFC 8705 §3); undefined
 * where its credential is bound to none.
 *
 * @throws {TallystickError} `certificate_required`; `invalid_request`: there is one where none belongs; `lease_unknown`: it
 * is not this key's, of another credential, or has ended.
 */
export function requireCertificate(
  { identity, proof, request }: Asked,
  credential: CredentialConfig,
  { table, clock }: { readonly table: Pick<LeaseTable, 'get'>; readonly clock: Pick<Clock, 'nowMs'> },
): Lease | undefined {
  const named = request.certificate;
  const wanted = isOwnToken(credential) ? credential.certificate : undefined;
  if (wanted === undefined) {
    if (named === undefined) return undefined;
    throw new TallystickError('invalid_request', `"${credential.name}" is bound to no certificate`, {
      remedy: 'leave "certificate" out',
    });
  }
  if (named === undefined) {
    throw new TallystickError(
      'certificate_required',
      `"${credential.name}" is bound to the certificate "${wanted}", and the request names none`,
    );
  }
  const lease = table.get(named);
  const isOurs = lease?.key.identity === identity.id && lease.holders.has(proof.jkt);
  const isGood = lease?.key.credential.name === wanted && lease.expiresAtMs - clock.nowMs() >= LEAST_LEFT_MS;
  if (lease && isOurs && isGood) return lease;
  // One answer for all: whose lease it is, and whether there is such a one, is nobody else's business.
  throw new TallystickError(
    'lease_unknown',
    `this key holds no certificate "${wanted}" of that lease that is good now`,
    {
      remedy: `ask for "${wanted}" again, and then for the token with the lease id of that`,
    },
  );
}

const thumbprints = new WeakMap<Lease, string>();

/** Returns the thumbprint of the certificate that a lease holds (RFC 8705 §3.1): it is made out once for each. */
export function certificateThumbprint(lease: Lease): string {
  let found = thumbprints.get(lease);
  if (found === undefined) {
    const { material } = lease;
    if (!('certificate' in material)) throw new TypeError(`${lease.id} is no lease of a certificate`);
    found = hash('sha256', new X509Certificate(material.certificate).raw, 'base64url');
    thumbprints.set(lease, found);
  }
  return found;
}
