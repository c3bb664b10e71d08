import { isLeaseId, TallystickError } from '@tallystick/core';
import { ROUTES } from '@tallystick/protocol';
import type { LeaseTable } from '../../lease/lease-table.ts';
import type { Withdrawal } from '../../lease/withdrawal.ts';
import type { RevocationRecords } from '../../record/revocation-records.ts';
import type { Admission } from '../../release/admit.ts';
import { NO_CONTENT } from '../answer.ts';
import { admitProven } from './proven.ts';
import type { WorkloadRoute } from './route.ts';

/** What the lease route is made of. */
export interface LeaseRouteParts {
  readonly admission: Admission;
  readonly issuer: string;
  readonly table: LeaseTable;
  readonly withdrawal: Withdrawal;
  readonly records: RevocationRecords;
}

/** `DELETE /v1/leases/{id}`: the holder lets go of a lease. Its token belongs to one key, so it ends with that. */
export function leaseRoute(parts: LeaseRouteParts): WorkloadRoute {
  return {
    method: 'DELETE',
    path: ROUTES.leases,
    async handle(exchange) {
      const { identity, proof } = await admitProven(parts.admission, parts.issuer, exchange);
      const lease = isLeaseId(exchange.rest) ? parts.table.get(exchange.rest) : undefined;
      if (!lease || lease.key.jkt !== proof.jkt || lease.key.identity !== identity.id) {
        throw new TallystickError('lease_unknown', 'this key holds no such lease');
      }
      const durable = parts.withdrawal.letGo({ leaseId: lease.id, identity: identity.id, exp: lease.exp }, lease);
      parts.records.revoked([lease], 'holder', exchange.trace);
      await durable;
      return NO_CONTENT;
    },
  };
}
