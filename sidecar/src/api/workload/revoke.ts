import { TallystickError } from '@tallystick/core';
import { ROUTES } from '@tallystick/protocol';
import type { LeaseTable } from '../../lease/lease-table.ts';
import type { Withdrawal } from '../../lease/withdrawal.ts';
import type { RevocationRecords } from '../../record/revocation-records.ts';
import type { Admission } from '../../release/admit.ts';
import type { Answer } from '../answer.ts';
import { readBody } from '../body.ts';
import type { WorkloadRoute } from './route.ts';
import type { TokenReader } from '../../issuer/read-token.ts';

/** What the revocation route is made of. */
export interface RevokeRouteParts {
  readonly admission: Admission;
  readonly table: LeaseTable;
  readonly withdrawal: Withdrawal;
  readonly records: RevocationRecords;
  readonly readToken: TokenReader;
}

const DONE: Answer = { status: 200, type: 'application/json', body: '' };

/**
 * `POST /revoke` (RFC 7009). The attested peer decides, since stock clients send no proof there: it may end tokens of
 * the identities it has. For any other token the answer is the same 200, and nothing happens.
 */
export function revokeRoute(parts: RevokeRouteParts): WorkloadRoute {
  return {
    method: 'POST',
    path: ROUTES.revoke,
    async handle({ request, peer, span }) {
      const form = new URLSearchParams((await readBody(request, 'application/x-www-form-urlencoded')).toString('utf8'));
      const token = form.get('token');
      if (!token || form.getAll('token').length > 1) {
        throw new TallystickError('invalid_request', '"token" must be given once');
      }
      const { matching } = await parts.admission.attest(peer);
      if (matching.length === 0) throw new TallystickError('identity_unknown', 'no identity matches this workload');
      const claims = await parts.readToken(token);
      if (!claims || !matching.some(({ id }) => id === claims.sub)) return DONE;
      const lease = parts.table.get(claims.jti);
      if (lease) {
        await parts.withdrawal.revokeLeases([lease]);
        parts.records.revoked([lease], 'holder', span.trace);
      } else {
        await parts.withdrawal.revokeById(claims.jti);
      }
      return DONE;
    },
  };
}
