import { TallystickError, type Clock, type IdentityObject, type Revocation } from '@tallystick/core';
import type { EventHub } from '../events/hub.ts';
import type { Standing } from '../state/standing.ts';
import type { BarCap } from './bar-cap.ts';
import { boundTokens, certificateOf, withBoundTokens } from './bound-tokens.ts';
import type { LeaseManager } from './lease-manager.ts';
import type { LeaseTable } from './lease-table.ts';
import { expOf, type Lease } from './lease.ts';
import type { UpstreamEnding } from './upstream-ending.ts';

/**
 * Takes rights away, in the order in which that helps: from the leases, so that nothing more is served; from the
 * list that APIs read; from the workloads, by an event; and only then on disk. None of it waits for the record: each
 * has taken hold when it returns, and resolves when it is durable.
 */
export interface Withdrawal {
  /**
   * Ends a token, or a certificate and the tokens that are bound to it, because a holder asks for it.
   *
   * @param lease Its lease; undefined where an earlier run of this sidecar issued it.
   * @throws {TallystickError} `rate_limited`: too many of its identity's tokens are listed as ended already.
   */
  letGo(token: BarredToken, lease: Lease | undefined): Ended;
  /** Ends those of `leases` that the list has room for, because the sidecar stops; the others end by themselves. */
  letGoAll(leases: readonly Lease[]): Ended;
  /**
   * Ends what is left of a lease that nobody has any more: upstream, and with it the tokens that are bound to the
   * certificate that it was of. Those that the list has no room for are known as ended here alone.
   *
   * @returns The leases of the tokens.
   */
  abandon(lease: Lease): Ended;
  /** Ends leases early, and with a certificate the tokens that are bound to it. */
  revokeLeases(leases: readonly Lease[]): Ended;
  /** Ends a token by its lease id, also one that an earlier run of this sidecar issued. */
  revokeById(leaseId: string): Promise<void>;
  /** Ends every token bound to a key, or that was given to it, and issues none to it for a year. */
  revokeKey(jkt: string): Ended;
  /** Ends everything that an identity holds, also from earlier runs. It may ask anew. */
  revokeIdentity(id: string): Ended;
  suspend(identity: IdentityObject, reason: string): Ended;
  /** Holds when it is durable. */
  resume(identity: IdentityObject): Promise<void>;
  /** Asks holders to replace leases now; they stay good until then. */
  rotate(leases: readonly Lease[]): void;
  /** Ends everything of identities that a new configuration no longer has, or gives less to. */
  narrow(identities: readonly string[]): Promise<void>;
}

/** A token that is to be listed as ended. */
export interface BarredToken {
  readonly leaseId: string;
  /** SPIFFE ID. */
  readonly identity: string;
  /** Seconds since the epoch. */
  readonly exp: number;
}

/** What was ended, and when that is on disk. */
export interface Ended {
  readonly leases: readonly Lease[];
  readonly durable: Promise<void>;
}

/** The inputs of {@link createWithdrawal}. */
export interface WithdrawalOptions {
  readonly leases: LeaseManager;
  readonly table: Pick<LeaseTable, 'ofHolder'>;
  readonly standing: Standing;
  readonly hub: EventHub;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly barCap: BarCap;
  readonly ending: Pick<UpstreamEnding, 'end'>;
  /** The longest life a token may have, in seconds: a line about a subject is kept for that long. */
  readonly maxLifetimeSeconds: number;
}

/** A revoked key stays so for longer than any process that holds it should run. */
const KEY_REVOKED_SECONDS = 366 * 86_400;

export function createWithdrawal(options: WithdrawalOptions): Withdrawal {
  const { leases, table, standing, hub, clock, barCap, ending, maxLifetimeSeconds } = options;
  const endUpstream = (chosen: readonly Lease[]): void => {
    for (const lease of chosen) ending.end(lease);
  };
  const seconds = (): number => Math.floor(clock.nowMs() / 1000);

  const tell = (type: 'revoked' | 'rotate', chosen: readonly Lease[]): void => {
    const held = chosen.flatMap((lease) => Array.from(lease.holders.keys(), (jkt) => ({ lease, jkt })));
    const byHolder = Map.groupBy(held, ({ lease, jkt }) => `${jkt} ${lease.key.identity}`);
    for (const group of byHolder.values()) {
      const { lease, jkt } = group[0]!;
      hub.publish(lease.key.identity, { type, leases: group.map(({ lease: { id } }) => id) }, jkt);
    }
  };
  const endIdentity = (id: string): Ended => {
    const ended = leases.revokeWhere(({ key }) => key.identity === id);
    endUpstream(ended);
    const now = seconds();
    // The line covers `iat <= before`. A token made later in this second must stay good, so those that were made
    // earlier in it are listed one by one.
    // BUG: of a sidecar that was restarted within this second, those of its earlier run are not known.
    const before = now - 1;
    const durable = standing.revoke([
      { kind: 'sub', value: id, before, until: now + maxLifetimeSeconds },
      ...ended.filter(({ issuedAtMs }) => issuedAtMs / 1000 > before).flatMap(tokenLine),
    ]);
    return { leases: ended, durable };
  };
  // `suspended` makes a workload drop all it holds, also what an earlier run gave it; then it reads what is left to it.
  const dropAll = (id: string): void => {
    hub.publish(id, { type: 'state', state: 'suspended' });
    hub.publish(id, { type: 'changed' });
  };

  /** Ends these and no others; `listed` of them stand on the list. */
  const endLeases = (chosen: readonly Lease[], listed = chosen): Ended => {
    leases.revoke(chosen);
    endUpstream(chosen);
    const durable = standing.revoke(listed.flatMap(tokenLine));
    tell('revoked', chosen);
    return { leases: chosen, durable };
  };
  const mayList = (lease: Lease): boolean =>
    lease.upstream !== undefined || barCap.take(lease.key.identity, expOf(lease));

  return {
    letGo({ leaseId, identity, exp }, lease) {
      const ended = lease && withBoundTokens([lease], table);
      const hasRoom = ended ? ended.every(mayList) : barCap.take(identity, exp);
      if (!hasRoom) {
        throw new TallystickError('rate_limited', `${identity} has let go of too many tokens that have not expired`, {
          retryAfterMs: 60_000,
        });
      }
      if (ended) return endLeases(ended);
      return { leases: [], durable: standing.revoke([{ kind: 'jti', value: leaseId, until: exp }]) };
    },
    letGoAll: (chosen) => endLeases(withBoundTokens(chosen, table).filter(mayList)),
    abandon(lease) {
      ending.end(lease);
      const bound = boundTokens(lease, table);
      if (bound.length === 0) return { leases: [], durable: Promise.resolve() };
      return endLeases(bound, bound.filter(mayList));
    },
    revokeLeases: (chosen) => endLeases(withBoundTokens(chosen, table)),
    revokeById: (leaseId) => standing.revoke([{ kind: 'jti', value: leaseId, until: seconds() + maxLifetimeSeconds }]),
    revokeKey(jkt) {
      // Of what is shared, that key has the secret: it ends for all, and the others ask for another.
      const ended = leases.revokeWhere(({ key, holders }) => key.jkt === jkt || holders?.has(jkt) === true);
      endUpstream(ended);
      // Tokens that are bound to a certificate do not show whose key asked for them, to verifiers other than ours.
      const byCertificate = ended.filter((lease) => certificateOf(lease) !== undefined);
      const durable = standing.revoke([
        { kind: 'jkt', value: jkt, until: seconds() + KEY_REVOKED_SECONDS },
        ...byCertificate.flatMap(tokenLine),
      ]);
      tell('revoked', ended);
      return { leases: ended, durable };
    },
    revokeIdentity(id) {
      const ended = endIdentity(id);
      dropAll(id);
      return ended;
    },
    suspend({ id }, reason) {
      const suspended = standing.suspend(id, reason);
      const ended = endIdentity(id);
      hub.publish(id, { type: 'state', state: 'suspended' });
      return { leases: ended.leases, durable: Promise.all([suspended, ended.durable]).then(() => {}) };
    },
    async resume({ id }) {
      await standing.resume(id);
      hub.publish(id, { type: 'state', state: 'active' });
    },
    rotate(chosen) {
      for (const lease of chosen) {
        lease.stale = true;
        // Who is given it once more, because its upstream is away, is to ask again soon.
        lease.rotateAtMs = Math.min(lease.rotateAtMs, clock.nowMs());
      }
      tell('rotate', chosen);
    },
    async narrow(identities) {
      const ended = identities.map(endIdentity);
      for (const id of identities) dropAll(id);
      await Promise.all(ended.map(({ durable }) => durable));
    },
  };
}

/** APIs read of tokens alone: what an upstream has made, that ends. */
function tokenLine(lease: Lease): Revocation[] {
  return lease.upstream ? [] : [{ kind: 'jti', value: lease.id, until: expOf(lease) }];
}
