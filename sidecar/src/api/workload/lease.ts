import { isLeaseId, TallystickError } from '@tallystick/core';
import { ROUTES } from '@tallystick/protocol';
import type { LeaseManager } from '../../lease/lease-manager.ts';
import type { LeaseTable } from '../../lease/lease-table.ts';
import { expOf } from '../../lease/lease.ts';
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
  readonly leases: LeaseManager;
  readonly withdrawal: Withdrawal;
  readonly records: RevocationRecords;
}

/**
 * `DELETE /v1/leases/{id}`: the holder lets go of a lease. A token or a certificate belongs to one key, and ends with
 * that, a certificate with the tokens that are bound to it; what else an upstream has made ends with its last holder.
 */
export function leaseRoute(parts: LeaseRouteParts): WorkloadRoute {
  return {
    method: 'DELETE',
    path: ROUTES.leases,
    async handle(exchange) {
      const { identity, proof } = await admitProven(parts.admission, parts.issuer, exchange);
      const lease = isLeaseId(exchange.rest) ? parts.table.get(exchange.rest) : undefined;
      if (!lease?.holders.has(proof.jkt) || lease.key.identity !== identity.id) {
        throw new TallystickError('lease_unknown', 'this key holds no such lease');
      }
      if (lease.upstream && lease.key.credential.type !== 'x509') {
        if (parts.leases.leave(lease, proof.jkt) === 0) parts.records.revoked([lease], 'holder', exchange.trace);
        return NO_CONTENT;
      }
      const token = { leaseId: lease.id, identity: identity.id, exp: expOf(lease) };
      const { leases, durable } = parts.withdrawal.letGo(token, lease);
      parts.records.revoked(leases, 'holder', exchange.trace);
      await durable;
      return NO_CONTENT;
    },
  };
}
