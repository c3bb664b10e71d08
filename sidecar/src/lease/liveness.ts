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
/** How many holders are looked at in a row, before others may run. */
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
    const letGo = ({ lease, jkt, peer }: Holding): boolean => {
      // It may have ended between two slices.
      if (table.get(lease.id) !== lease || isAlive(peer) || hub.isLive(lease.key.identity, jkt)) return false;
      if (isEndable(lease)) return leases.leave(lease, jkt) === 0;
      // What nobody can end is no gain to anybody if it is forgotten here: the next who asks may have it.
      table.leave(lease, jkt);
      return false;
    };
    const all = holdings(table.all());
    const slice = (): void => {
      const over: Lease[] = [];
      for (let i = 0; i < SLICE; i++) {
        const { value: holding, done } = all.next();
        if (done) {
          if (over.length > 0) ended(over);
          swept();
          timer = timers.after(SWEEP_MS, sweep);
          return;
        }
        if (holding.lease.upstream && letGo(holding)) over.push(holding.lease);
      }
      if (over.length > 0) ended(over);
      timer = timers.after(NEXT_SLICE_MS, slice);
    };
    slice();
  };
  timer = timers.after(SWEEP_MS, sweep);
  return { stop: () => timer.cancel() };
}

interface Holding {
  readonly lease: Lease;
  readonly jkt: string;
  readonly peer: Peer;
}

function* holdings(leases: Iterable<Lease>): Generator<Holding, undefined> {
  for (const lease of leases) for (const [jkt, peer] of lease.holders) yield { lease, jkt, peer };
}

function isEndable({ upstream }: Lease): boolean {
  return upstream?.handle !== undefined && upstream.provider.end !== undefined;
}
