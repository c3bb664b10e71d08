import { isLeaseId, TallystickError } from '@tallystick/core';
import type { LeaseTable } from '../../lease/lease-table.ts';
import type { Lease } from '../../lease/lease.ts';
import type { Withdrawal } from '../../lease/withdrawal.ts';
import type { EventHub } from '../../events/hub.ts';
import { type Log } from '../../observe/log.ts';
import type { RevocationRecords } from '../../record/revocation-records.ts';
import { operatorOf } from './operator.ts';
import type { AdminRoute } from './route.ts';

/** What the lease commands are made of. */
export interface AdminLeasesParts {
  readonly table: LeaseTable;
  readonly withdrawal: Withdrawal;
  readonly hub: EventHub;
  readonly revocationRecords: RevocationRecords;
  readonly log: Log;
}

/** The most leases that one answer lists. */
const MAX_LISTED = 1000;

/** `leases list|revoke|rotate`. */
export function adminLeaseRoutes(parts: AdminLeasesParts): readonly AdminRoute[] {
  const { table, withdrawal, hub, revocationRecords, log } = parts;

  const chosen = (body: Readonly<Record<string, unknown>>): readonly Lease[] => {
    const { id, identity, jkt } = body;
    if (typeof id === 'string') {
      const lease = table.get(id);
      return lease ? [lease] : [];
    }
    if (typeof identity !== 'string' && typeof jkt !== 'string') {
      throw new TallystickError('invalid_request', 'no lease is named', {
        remedy: 'name a lease id, --identity or --jkt',
      });
    }
    return [...table.all()].filter(
      ({ key }) => (identity === undefined || key.identity === identity) && (jkt === undefined || key.jkt === jkt),
    );
  };

  return [
    {
      method: 'GET',
      path: '/v1/leases',
      handle: () => ({
        total: table.size,
        leases: [...table.all()].slice(0, MAX_LISTED).map((lease) => ({
          id: lease.id,
          identity: lease.key.identity,
          credential: lease.key.credential.name,
          audience: lease.key.credential.audience,
          scope: lease.key.scope.join(' '),
          jkt: lease.key.jkt,
          issued_at: new Date(lease.issuedAtMs).toISOString(),
          rotate_at: new Date(lease.rotateAtMs).toISOString(),
          expires_at: new Date(lease.expiresAtMs).toISOString(),
          live: hub.isLive(lease.key.identity, lease.key.jkt),
        })),
      }),
    },
    {
      method: 'POST',
      path: '/v1/leases/revoke',
      async handle({ peer, body }) {
        const operator = await operatorOf(peer, body.reason);
        const { id, jkt } = body;
        let ended: readonly Lease[];
        let unknown: readonly string[] = [];
        if (typeof jkt === 'string' && body.identity === undefined && id === undefined) {
          ended = await withdrawal.revokeKey(jkt);
        } else {
          ended = chosen(body);
          if (ended.length > 0) await withdrawal.revokeLeases(ended);
          else if (typeof id === 'string' && isLeaseId(id)) {
            // Perhaps of an earlier run of this sidecar: its token is barred wherever the list is read.
            await withdrawal.revokeById(id);
            unknown = [id];
          }
        }
        revocationRecords.revoked(ended, 'operator', null);
        log.info('leases revoked', { count: ended.length, uid: operator.uid, reason: operator.reason });
        return { revoked: [...ended.map((lease) => lease.id), ...unknown] };
      },
    },
    {
      method: 'POST',
      path: '/v1/leases/rotate',
      async handle({ peer, body }) {
        const operator = await operatorOf(peer, body.reason);
        const leases = chosen(body);
        withdrawal.rotate(leases);
        log.info('leases asked to rotate', { count: leases.length, uid: operator.uid, reason: operator.reason });
        return { rotating: leases.map(({ id }) => id) };
      },
    },
  ];
}
