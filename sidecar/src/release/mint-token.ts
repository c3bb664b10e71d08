import type { TokenConfig } from '../config/config.ts';
import type { Signer } from '../issuer/signer.ts';
import { mintToken } from '../issuer/token.ts';
import type { Maker } from '../lease/lease-manager.ts';
import type { Lease, LeaseKey } from '../lease/lease.ts';
import type { Asked } from '../record/asked.ts';
import { certificateThumbprint } from './certificate.ts';

/**
 * Returns what makes a token of our own issuer, bound to a certificate where one is given, else to the key that asks. It
 * is never extended.
 */
export function tokenMaker(
  asked: Asked,
  key: LeaseKey & { credential: TokenConfig },
  certificate: Lease | undefined,
  signer: Signer,
): Maker {
  const { credential, scope, run } = key;
  return {
    async mint({ leaseId, issuedAt, expiresAt }) {
      const token = await mintToken(signer, {
        identity: asked.identity,
        audience: credential.audience,
        scope,
        jkt: asked.proof.jkt,
        certificate: certificate && { leaseId: certificate.id, x5t: certificateThumbprint(certificate) },
        leaseId,
        registryRoot: asked.registry.digest.root,
        issuedAt,
        expiresAt,
        run,
      });
      return {
        material: { token, audience: credential.audience, scope: scope.join(' ') },
        binding: certificate ? 'mtls' : 'dpop',
        handles: { jti: leaseId },
        upstream: undefined,
      };
    },
    renew() {
      throw new TypeError('a token is never extended');
    },
  };
}
