import type { Timer, Timers } from '@tallystick/core';
import type { EventHub } from '../events/hub.ts';
import type { Peer } from '../listen/peer.ts';
import type { LeaseManager } from './lease-manager.ts';
import type { LeaseTable } from './lease-table.ts';
import type { Lease } from './lease.ts';

/** Looks after the leases of upstreams whose holders have gone. */
export interface Liveness {
  stop(): void;
}

/** The inputs of {@link startLiveness}. */
export interface LivenessOptions {
  readonly table: LeaseTable;
  readonly leases: Pick<LeaseManager, 'leave'>;
  readonly hub: Pick<EventHub, 'isLive'>;
  readonly timers: Timers;
  /** Told of those that ended with their last holder. */
  readonly ended: (leases: readonly Lease[]) => void;
  /** Told of the end of each sweep. */
  readonly swept: () => void;
}

/** The time between two sweeps. */
export const SWEEP_MS = 30_000;
/** How many leases are looked at in a row, before others may run. */
const SLICE = 2000;
const NEXT_SLICE_MS = 1;

/**
 * Lets go of holders that have gone: those without an open event stream whose process has ended. What an upstream has
 * made for them ends with the last. A process that cannot be watched counts as alive, so its leases end by their own
 * time.
 */
export function startLiveness({ table, leases, hub, timers, ended, swept }: LivenessOptions): Liveness {
  let timer: Timer;
  const sweep = (): void => {
    // Many leases have one process: the kernel is asked about each once.
    const alive = new Map<Peer, boolean>();
    const isAlive = (peer: Peer): boolean => {
      let known = alive.get(peer);
      if (known === undefined) alive.set(peer, (known = peer.isAlive()));
      return known;
    };
    const letGo = (lease: Lease): boolean => {
      for (const [jkt, peer] of lease.holders) {
        if (isAlive(peer) || hub.isLive(lease.key.identity, jkt)) continue;
        // What nobody can end is no gain to anybody if it is forgotten here: the next who asks may have it.
        if (!isEndable(lease)) table.leave(lease, jkt);
        else if (leases.leave(lease, jkt) === 0) return true;
      }
      return false;
    };
    const all = table.all();
    const slice = (): void => {
      const over: Lease[] = [];
      for (let i = 0; i < SLICE; i++) {
        const { value: lease, done } = all.next();
        if (done) {
          if (over.length > 0) ended(over);
          swept();
          timer = timers.after(SWEEP_MS, sweep);
          return;
        }
        if (lease.upstream && letGo(lease)) over.push(lease);
      }
      if (over.length > 0) ended(over);
      timer = timers.after(NEXT_SLICE_MS, slice);
    };
    slice();
  };
  timer = timers.after(SWEEP_MS, sweep);
  return { stop: () => timer.cancel() };
}

function isEndable({ upstream }: Lease): boolean {
  return upstream?.handle !== undefined && upstream.provider.end !== undefined;
}
