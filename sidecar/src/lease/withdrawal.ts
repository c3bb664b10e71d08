import type { Clock, IdentityObject, Revocation } from '@tallystick/core';
import type { EventHub } from '../events/hub.ts';
import type { Standing } from '../state/standing.ts';
import type { LeaseManager } from './lease-manager.ts';
import type { Lease } from './lease.ts';

/**
 * Takes rights away, in the order in which that helps: from the leases, so that nothing more is served; from the
 * list that APIs read; from the workloads, by an event; and only then on disk. None of it waits for the record.
 */
export interface Withdrawal {
  /** Ends leases early. Resolves when the revocations are durable. */
  revokeLeases(leases: readonly Lease[]): Promise<void>;
  /** Ends a token by its lease id, also one that an earlier run of this sidecar issued. */
  revokeById(leaseId: string): Promise<void>;
  /** Ends every token bound to a key. */
  revokeKey(jkt: string): Promise<readonly Lease[]>;
  suspend(identity: IdentityObject, reason: string): Promise<readonly Lease[]>;
  resume(identity: IdentityObject): Promise<void>;
  /** Asks holders to replace leases now; they stay good until then. */
  rotate(leases: readonly Lease[]): void;
  /** Ends everything of identities that a new configuration no longer has, or gives less to. */
  narrow(identities: readonly string[]): Promise<void>;
}

/** The inputs of {@link createWithdrawal}. */
export interface WithdrawalOptions {
  readonly leases: LeaseManager;
  readonly standing: Standing;
  readonly hub: EventHub;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** The longest life a token may have, in seconds: a line about keys or subjects is kept for that long. */
  readonly maxLifetimeSeconds: number;
}

export function createWithdrawal(options: WithdrawalOptions): Withdrawal {
  const { leases, standing, hub, clock, maxLifetimeSeconds } = options;
  const seconds = (): number => Math.floor(clock.nowMs() / 1000);
  const tell = (ended: readonly Lease[]): void => {
    const byHolder = Map.groupBy(ended, ({ key }) => `${key.jkt} ${key.identity}`);
    for (const group of byHolder.values()) {
      const { identity, jkt } = group[0]!.key;
      hub.publish(identity, { type: 'revoked', leases: group.map(({ id }) => id) }, jkt);
    }
  };
  // A token of this second or earlier is covered: `iat <= before`.
  const subjectLine = (identity: string): Revocation => {
    const now = seconds();
    return { kind: 'sub', value: identity, before: now, until: now + maxLifetimeSeconds };
  };

  return {
    revokeLeases(chosen) {
      leases.revoke(chosen);
      const lines = chosen.map(({ id, exp }): Revocation => ({ kind: 'jti', value: id, until: exp }));
      const durable = standing.revoke(lines);
      tell(chosen);
      return durable;
    },
    revokeById: (leaseId) =>
      standing.revoke([{ kind: 'jti', value: leaseId, until: seconds() + maxLifetimeSeconds }]),
    async revokeKey(jkt) {
      const ended = leases.revokeWhere((key) => key.jkt === jkt);
      const durable = standing.revoke([{ kind: 'jkt', value: jkt, until: seconds() + maxLifetimeSeconds }]);
      tell(ended);
      await durable;
      return ended;
    },
    async suspend({ id }, reason) {
      const suspended = standing.suspend(id, reason);
      const ended = leases.revokeWhere((key) => key.identity === id);
      const listed = standing.revoke([subjectLine(id)]);
      hub.publish(id, { type: 'state', state: 'suspended' });
      await Promise.all([suspended, listed]);
      return ended;
    },
    async resume({ id }) {
      await standing.resume(id);
      hub.publish(id, { type: 'state', state: 'active' });
    },
    rotate(chosen) {
      for (const lease of chosen) {
        lease.stale = true;
        hub.publish(lease.key.identity, { type: 'rotate', leases: [lease.id] }, lease.key.jkt);
      }
    },
    async narrow(identities) {
      if (identities.length === 0) return;
      const gone = new Set(identities);
      leases.revokeWhere((key) => gone.has(key.identity));
      const durable = standing.revoke(identities.map(subjectLine));
      for (const id of identities) hub.publish(id, { type: 'state', state: 'suspended' });
      await durable;
    },
  };
}
