import type { Clock, Random, Timers } from '@tallystick/core';
import type { EventHub } from '../events/hub.ts';
import type { Upstreams } from '../providers/upstreams.ts';
import type { UpstreamLeases } from '../state/upstream-leases.ts';
import type { LeaseManager } from './lease-manager.ts';
import type { LeaseTable } from './lease-table.ts';
import type { Lease } from './lease.ts';
import { startLiveness, type Liveness } from './liveness.ts';
import { createUpstreamEnding, type EndedStatus, type Ending, type UpstreamEnding } from './upstream-ending.ts';
import { createUpstreamKeeping, type UpstreamKeeping } from './upstream-keeping.ts';
import { startUpstreamOrphans } from './upstream-orphans.ts';

/** Sees to it that what upstreams have made ends when nobody may have it any more, over restarts too. */
export interface UpstreamCare {
  readonly ending: UpstreamEnding;
  readonly keeping: UpstreamKeeping;
  /** Ends upstream what it would keep longer than its lease, whose time is over; of all else, nothing is left to end. */
  expired(lease: Lease): void;
  /** Begins to look for holders that have gone. */
  watch(parts: {
    readonly table: LeaseTable;
    readonly leases: Pick<LeaseManager, 'leave'>;
    readonly hub: Pick<EventHub, 'isLive'>;
    /** Told of leases that ended with their last holder. */
    readonly ended: (leases: readonly Lease[]) => void;
  }): void;
  /** Waits for what is being ended, for so long at the most. */
  stop(withinMs: number): Promise<void>;
}

/** The inputs of {@link createUpstreamCare}. */
export interface UpstreamCareOptions {
  readonly upstreams: Upstreams;
  readonly upstreamLeases: UpstreamLeases;
  readonly ended: (ending: Ending, status: EndedStatus) => void;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Pick<Random, 'uniform'>;
}

export function createUpstreamCare(options: UpstreamCareOptions): UpstreamCare {
  const { upstreams, upstreamLeases, ended, clock, timers, random } = options;
  const ending = createUpstreamEnding({
    ended,
    settled: ({ leaseId }) => upstreamLeases.forget(leaseId),
    providerOf: upstreams.get,
    judgeKept: (kept) => orphans.judge(kept),
    within: upstreams.within,
    clock,
    timers,
    random,
  });
  const orphans = startUpstreamOrphans({
    earlier: upstreamLeases.earlier,
    end: ending.endKept,
    forget: (leaseId) => upstreamLeases.forget(leaseId),
    tried: ending.tried,
    status: upstreams.status,
    timers,
  });
  let liveness: Liveness | undefined;
  return {
    ending,
    keeping: createUpstreamKeeping({ leases: upstreamLeases, claim: orphans.claim, end: ending.endKept }),
    expired(lease) {
      if (!lease.upstream) return;
      const { handle, untilMs, keptUntilMs } = lease.upstream;
      if (untilMs > clock.nowMs()) ending.end(lease);
      // It could have been extended, and is kept for as long as that.
      else if (handle !== undefined && keptUntilMs > untilMs) upstreamLeases.forget(lease.id);
    },
    watch(parts) {
      const used = () => {
        const makers = Array.from(parts.table.all(), ({ upstream }) => upstream?.provider);
        return new Set([...makers.filter((maker) => maker !== undefined), ...ending.providers()]);
      };
      liveness = startLiveness({ ...parts, timers, swept: () => upstreams.closeUnused(used) });
    },
    stop(withinMs) {
      orphans.stop();
      liveness?.stop();
      return ending.close(withinMs);
    },
  };
}
