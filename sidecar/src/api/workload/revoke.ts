import { ROUTES } from '@tallystick/protocol';
import type { LeaseTable } from '../../lease/lease-table.ts';
import type { Withdrawal } from '../../lease/withdrawal.ts';
import type { RevocationRecords } from '../../record/revocation-records.ts';
import type { Admission } from '../../release/admit.ts';
import type { Standing } from '../../state/standing.ts';
import type { Answer } from '../answer.ts';
import { readTokenForm } from '../body.ts';
import { attestSender } from './attested.ts';
import type { WorkloadRoute } from './route.ts';
import { revocableOf, type TokenReader } from '../../issuer/read-token.ts';

/** What the revocation route is made of. */
export interface RevokeRouteParts {
  readonly admission: Admission;
  readonly table: LeaseTable;
  readonly withdrawal: Withdrawal;
  readonly standing: Standing;
  readonly records: RevocationRecords;
  readonly readToken: TokenReader;
}

const DONE: Answer = { status: 200, type: '', body: '' };

/**
 * `POST /revoke` (RFC 7009). The attested peer decides, since stock clients send no proof there: it may end tokens of
 * the identities it has. For any other token the answer is the same 200, and nothing happens.
 */
export function revokeRoute(parts: RevokeRouteParts): WorkloadRoute {
  return {
    method: 'POST',
    path: ROUTES.revoke,
    async handle(exchange) {
      const token = await readTokenForm(exchange.request);
      const matching = await attestSender(parts.admission, exchange);
      const claims = await parts.readToken(token);
      if (!claims || !matching.some(({ id }) => id === claims.sub)) return DONE;
      const lease = parts.table.get(claims.jti);
      // One of an earlier run is known by its id alone; one that is revoked already stays so.
      const isNews = lease !== undefined || !parts.standing.revokes(revocableOf(claims));
      if (!isNews) {
        await parts.standing.revoke([]); // That it does may not be on disk yet.
        return DONE;
      }
      const { jti, sub, exp } = claims;
      const { durable } = parts.withdrawal.letGo({ leaseId: jti, identity: sub, exp }, lease);
      parts.records.revoked([{ id: jti, key: { identity: sub } }], 'holder', exchange.trace);
      await durable;
      return DONE;
    },
  };
}
