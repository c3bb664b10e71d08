import { isLeaseId, TallystickError } from '@tallystick/core';
import { certificateOf } from '../../lease/bound-tokens.ts';
import type { LeaseTable } from '../../lease/lease-table.ts';
import type { Lease } from '../../lease/lease.ts';
import type { Ended, Withdrawal } from '../../lease/withdrawal.ts';
import type { EventHub } from '../../events/hub.ts';
import type { Log } from '../../observe/log.ts';
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

  const chosen = (names: Names): readonly Lease[] => {
    if (names.id !== undefined) {
      const lease = table.get(names.id);
      return lease ? [lease] : [];
    }
    return [...table.all()].filter(
      ({ key, holders }) =>
        (names.identity ?? key.identity) === key.identity && (names.jkt === undefined || holders.has(names.jkt)),
    );
  };
  const revoke = (names: Names): Ended => {
    const { id, identity, jkt } = names;
    // A key or an identity loses more than the leases of this run: also what earlier ones issued, and mints under way.
    if (jkt !== undefined && identity === undefined) return withdrawal.revokeKey(jkt);
    if (identity !== undefined && jkt === undefined) return withdrawal.revokeIdentity(identity);
    const leases = chosen(names);
    const unknown = id !== undefined && leases.length === 0;
    return unknown ? { leases, durable: withdrawal.revokeById(id) } : withdrawal.revokeLeases(leases);
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
          provider: lease.key.credential.provider,
          type: lease.key.credential.type,
          binding: lease.binding,
          audience: lease.key.credential.audience ?? null,
          scope: lease.key.scope.join(' '),
          jkt: lease.key.jkt ?? null,
          certificate: certificateOf(lease) ?? null,
          holders: [...lease.holders.keys()],
          listening: lease.holders
            .keys()
            .filter((jkt) => hub.isLive(lease.key.identity, jkt))
            .reduce((sum) => sum + 1, 0),
          issued_at: new Date(lease.issuedAtMs).toISOString(),
          rotate_at: new Date(lease.rotateAtMs).toISOString(),
          expires_at: new Date(lease.expiresAtMs).toISOString(),
          live: lease.holders.keys().some((jkt) => hub.isLive(lease.key.identity, jkt)),
        })),
      }),
    },
    {
      method: 'POST',
      path: '/v1/leases/revoke',
      command: 'leases revoke',
      async handle({ peer, body }) {
        const operator = await operatorOf(peer, body.reason);
        const names = readNames(body);
        const { leases, durable } = revoke(names);
        // Perhaps of an earlier run of this sidecar: its token is barred wherever the list is read.
        const unknown = names.id !== undefined && leases.length === 0 ? names.id : null;
        const { identity = null, jkt = null } = names;
        revocationRecords.revokedByOperator({ identity, jkt, unknown, leases }, operator);
        log.info('leases revoked', { count: leases.length, uid: operator.uid, reason: operator.reason });
        await durable;
        return { revoked: [...leases.map(({ id }) => id), ...(unknown === null ? [] : [unknown])] };
      },
    },
    {
      method: 'POST',
      path: '/v1/leases/rotate',
      command: 'leases rotate',
      async handle({ peer, body }) {
        const operator = await operatorOf(peer, body.reason);
        // One that was replaced stays good until its end, and there is nothing to put in its place.
        const leases = chosen(readNames(body)).filter((lease) => table.isInForce(lease));
        await revocationRecords.rotateAsked(leases, operator);
        withdrawal.rotate(leases);
        log.info('leases asked to rotate', { count: leases.length, uid: operator.uid, reason: operator.reason });
        return { rotating: leases.map(({ id }) => id) };
      },
    },
  ];
}

/** What an operator names: one lease, or those of an identity, of a key, or of both together. */
interface Names {
  readonly id: string | undefined;
  readonly identity: string | undefined;
  readonly jkt: string | undefined;
}

function readNames(body: Readonly<Record<string, unknown>>): Names {
  const { id, identity, jkt } = body;
  for (const name of [id, identity, jkt]) {
    if (name !== undefined && (typeof name !== 'string' || name === '')) throw unnamed('a name is not text');
  }
  const names = { id, identity, jkt } as Names;
  if (names.id === undefined && names.identity === undefined && names.jkt === undefined)
    throw unnamed('no lease is named');
  if (names.id !== undefined && (names.identity ?? names.jkt) !== undefined) {
    throw unnamed('a lease id goes without an identity and a key');
  }
  if (names.id !== undefined && !isLeaseId(names.id)) throw unnamed('the lease id is not "ls_" and a ULID');
  return names;
}

function unnamed(what: string): TallystickError {
  return new TallystickError('invalid_request', what, { remedy: 'name a lease id, --identity or --jkt' });
}
