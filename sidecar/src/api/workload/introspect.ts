import { TallystickError, type Clock } from '@tallystick/core';
import { ROUTES } from '@tallystick/protocol';
import { identityState } from '../../authorize/identity-state.ts';
import { revocableOf, type TokenReader } from '../../issuer/read-token.ts';
import type { Admission } from '../../release/admit.ts';
import type { Standing } from '../../state/standing.ts';
import { json } from '../answer.ts';
import { readTokenForm } from '../body.ts';
import { attestSender } from './attested.ts';
import type { WorkloadRoute } from './route.ts';

/** What the introspection route is made of. */
export interface IntrospectRouteParts {
  readonly admission: Admission;
  readonly standing: Standing;
  readonly readToken: TokenReader;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/**
 * `POST /introspect` (RFC 7662), for identities that are the API of the token's audience (`receives`). Any other
 * token is `active: false` to them, and one that is suspended or has expired is told nothing.
 */
export function introspectRoute(parts: IntrospectRouteParts): WorkloadRoute {
  return {
    method: 'POST',
    path: ROUTES.introspect,
    async handle(exchange) {
      const token = await readTokenForm(exchange.request);
      const matching = await attestSender(parts.admission, exchange);
      const active = matching.filter(
        (identity) =>
          identityState(identity, parts.standing.isSuspended(identity.id), parts.clock.nowMs()) === 'active',
      );
      const receives = new Set(active.flatMap((identity) => identity.receives));
      if (receives.size === 0) {
        throw new TallystickError('introspection_refused', 'this workload is the API of no audience');
      }
      const claims = await parts.readToken(token);
      if (!claims || !receives.has(claims.aud)) return json({ active: false });
      const { sub, cnf } = claims;
      if (parts.standing.isSuspended(sub) || parts.standing.revokes(revocableOf(claims))) {
        return json({ active: false });
      }
      // As it was issued: one that is bound to a certificate is shown without a proof (RFC 8705 §3.2).
      return json({ active: true, token_type: 'jkt' in cnf ? 'DPoP' : 'Bearer', client_id: sub, ...claims });
    },
  };
}
