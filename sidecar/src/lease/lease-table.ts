import type { Clock, Timer, Timers } from '@tallystick/core';
import type { Lease } from './lease.ts';

/** Leases that live, found by id, by key and by holder. Each is forgotten when it expires. */
export interface LeaseTable {
  readonly size: number;
  get(id: string): Lease | undefined;
  byKey(key: string): Lease | undefined;
  /** Adds a lease under its key, in the place of an earlier one, which stays known by its id until it expires. */
  add(key: string, lease: Lease): void;
  /** Leases of one identity and key. */
  ofHolder(identity: string, jkt: string): readonly Lease[];
  /** Forgets a lease. */
  remove(lease: Lease): void;
  all(): Generator<Lease>;
  close(): void;
}

const SWEEP_MS = 30_000;

export function createLeaseTable({ clock, timers }: { clock: Pick<Clock, 'nowMs'>; timers: Timers }): LeaseTable {
  const byId = new Map<string, { lease: Lease; key: string }>();
  const keyed = new Map<string, Lease>();
  const holders = new Map<string, Set<Lease>>();
  // Leases by the sweep after which they have expired, so that a sweep touches those alone.
  const buckets = new Map<number, Lease[]>();
  let timer: Timer | undefined;

  const bucketOf = (lease: Lease): number => Math.floor(lease.expiresAtMs / SWEEP_MS);
  const remove = (lease: Lease): void => {
    const entry = byId.get(lease.id);
    if (!entry) return;
    byId.delete(lease.id);
    if (keyed.get(entry.key) === lease) keyed.delete(entry.key);
    const holder = holderText(lease.key.identity, lease.key.jkt);
    const held = holders.get(holder);
    held?.delete(lease);
    if (held?.size === 0) holders.delete(holder);
  };
  const sweep = (): void => {
    timer = undefined;
    const due = Math.floor(clock.nowMs() / SWEEP_MS);
    for (const [bucket, leases] of buckets) {
      if (bucket >= due) continue;
      buckets.delete(bucket);
      for (const lease of leases) remove(lease);
    }
    arm();
  };
  const arm = (): void => {
    if (buckets.size > 0) timer ??= timers.after(SWEEP_MS, sweep);
  };

  return {
    get size() {
      return byId.size;
    },
    get: (id) => byId.get(id)?.lease,
    byKey: (key) => keyed.get(key),
    add(key, lease) {
      byId.set(lease.id, { lease, key });
      keyed.set(key, lease);
      const holder = holderText(lease.key.identity, lease.key.jkt);
      const held = holders.get(holder);
      if (held) held.add(lease);
      else holders.set(holder, new Set([lease]));
      const bucket = bucketOf(lease);
      const leases = buckets.get(bucket);
      if (leases) leases.push(lease);
      else buckets.set(bucket, [lease]);
      arm();
    },
    ofHolder: (identity, jkt) => [...(holders.get(holderText(identity, jkt)) ?? [])],
    remove,
    *all() {
      for (const { lease } of byId.values()) yield lease;
    },
    close: () => timer?.cancel(),
  };
}

function holderText(identity: string, jkt: string): string {
  return `${jkt} ${identity}`;
}
