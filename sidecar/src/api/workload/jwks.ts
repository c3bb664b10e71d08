import { ROUTES } from '@tallystick/protocol';
import { jwkSet } from '../../issuer/jwks.ts';
import type { Signer } from '../../issuer/signer.ts';
import type { WorkloadRoute } from './route.ts';

/** `GET /jwks` (RFC 7517 §5). Needs no proof. */
export function jwksRoute(signer: Signer): WorkloadRoute {
  return {
    method: 'GET',
    path: ROUTES.jwks,
    handle: () => ({ status: 200, type: 'application/jwk-set+json', body: JSON.stringify(jwkSet(signer.keys())) }),
  };
}
