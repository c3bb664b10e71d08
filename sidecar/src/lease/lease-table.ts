import type { Clock, Timer, Timers } from '@tallystick/core';
import type { Peer } from '../listen/peer.ts';
import type { Lease } from './lease.ts';

/** Leases that live, found by id, by key and by holder. Each is forgotten within a minute of its expiry. */
export interface LeaseTable {
  readonly size: number;
  get(id: string): Lease | undefined;
  byKey(key: string): Lease | undefined;
  /** True while a lease is the one under its key, neither replaced nor expired. */
  isInForce(lease: Lease): boolean;
  /** Adds a lease under its key, in the place of an earlier one, which stays known by its id until it expires. */
  add(key: string, lease: Lease): void;
  /** Counts a process among the holders of a lease. */
  join(lease: Lease, jkt: string, peer: Peer): void;
  /** Takes a key from the holders of a lease. Returns how many are left. */
  leave(lease: Lease, jkt: string): number;
  /** Moves the end of a lease, and with it the instant at which it is due. */
  extend(lease: Lease, expiresAtMs: number, rotateAtMs: number): void;
  /** Leases that one key of an identity holds. */
  ofHolder(identity: string, jkt: string): readonly Lease[];
  /** How many leases an identity has. */
  countOf(identity: string): number;
  /** How many holders those have together. */
  holdersOf(identity: string): number;
  /** Forgets a lease. */
  remove(lease: Lease): void;
  all(): Generator<Lease>;
  close(): void;
}

const SWEEP_MS = 30_000;

/** The inputs of {@link createLeaseTable}. */
export interface LeaseTableOptions {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly timers: Timers;
  /** Told of each lease that is forgotten because its time is over. */
  readonly expired?: (lease: Lease) => void;
}

export function createLeaseTable({ clock, timers, expired }: LeaseTableOptions): LeaseTable {
  const byId = new Map<string, { lease: Lease; key: string }>();
  const keyed = new Map<string, Lease>();
  const holders = new Map<string, Set<Lease>>();
  const counts = new Map<string, number>();
  const held = new Map<string, number>();
  // Leases by the sweep after which they have expired, so that a sweep touches those alone.
  const buckets = new Map<number, Set<Lease>>();
  let timer: Timer | undefined;
  let closed = false;

  const remove = (lease: Lease): void => {
    const entry = byId.get(lease.id);
    if (!entry) return;
    const { identity } = lease.key;
    byId.delete(lease.id);
    if (keyed.get(entry.key) === lease) keyed.delete(entry.key);
    for (const jkt of lease.holders.keys()) dropFrom(holders, holderText(identity, jkt), lease);
    dropFrom(buckets, bucketOf(lease), lease);
    addCount(counts, identity, -1);
    addCount(held, identity, -lease.holders.size);
  };
  const sweep = (): void => {
    timer = undefined;
    const due = Math.floor(clock.nowMs() / SWEEP_MS);
    for (const [bucket, leases] of buckets) {
      if (bucket >= due) continue;
      for (const lease of leases) {
        remove(lease);
        expired?.(lease);
      }
    }
    arm();
  };
  const arm = (): void => {
    if (buckets.size > 0 && !closed) timer ??= timers.after(SWEEP_MS, sweep);
  };

  return {
    get size() {
      return byId.size;
    },
    get: (id) => byId.get(id)?.lease,
    byKey: (key) => keyed.get(key),
    isInForce(lease) {
      const entry = byId.get(lease.id);
      return entry !== undefined && keyed.get(entry.key) === lease && clock.nowMs() < lease.expiresAtMs;
    },
    add(key, lease) {
      const { identity } = lease.key;
      byId.set(lease.id, { lease, key });
      keyed.set(key, lease);
      for (const jkt of lease.holders.keys()) addTo(holders, holderText(identity, jkt), lease);
      addTo(buckets, bucketOf(lease), lease);
      addCount(counts, identity, 1);
      addCount(held, identity, lease.holders.size);
      arm();
    },
    join(lease, jkt, peer) {
      if (!lease.holders.has(jkt) && byId.has(lease.id)) {
        addTo(holders, holderText(lease.key.identity, jkt), lease);
        addCount(held, lease.key.identity, 1);
      }
      lease.holders.set(jkt, peer);
    },
    leave(lease, jkt) {
      if (lease.holders.delete(jkt) && byId.has(lease.id)) {
        dropFrom(holders, holderText(lease.key.identity, jkt), lease);
        addCount(held, lease.key.identity, -1);
      }
      return lease.holders.size;
    },
    extend(lease, expiresAtMs, rotateAtMs) {
      const known = byId.has(lease.id);
      if (known) dropFrom(buckets, bucketOf(lease), lease);
      lease.expiresAtMs = expiresAtMs;
      lease.rotateAtMs = rotateAtMs;
      if (known) addTo(buckets, bucketOf(lease), lease);
    },
    ofHolder: (identity, jkt) => [...(holders.get(holderText(identity, jkt)) ?? [])],
    countOf: (identity) => counts.get(identity) ?? 0,
    holdersOf: (identity) => held.get(identity) ?? 0,
    remove,
    *all() {
      for (const { lease } of byId.values()) yield lease;
    },
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}

function bucketOf(lease: Lease): number {
  return Math.floor(lease.expiresAtMs / SWEEP_MS);
}

function holderText(identity: string, jkt: string): string {
  return `${jkt} ${identity}`;
}

function addCount(counts: Map<string, number>, identity: string, more: number): void {
  const count = (counts.get(identity) ?? 0) + more;
  if (count > 0) counts.set(identity, count);
  else counts.delete(identity);
}

function addTo<K>(sets: Map<K, Set<Lease>>, key: K, lease: Lease): void {
  const own = sets.get(key);
  if (own) own.add(lease);
  else sets.set(key, new Set([lease]));
}

function dropFrom<K>(sets: Map<K, Set<Lease>>, key: K, lease: Lease): void {
  const own = sets.get(key);
  own?.delete(lease);
  if (own?.size === 0) sets.delete(key);
}
