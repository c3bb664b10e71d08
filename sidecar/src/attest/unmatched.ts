import type { Clock } from '@tallystick/core';
import type { Attestation } from './attestor.ts';

/** A workload that no identity matched. */
export interface UnmatchedPeer {
  readonly selectors: readonly string[];
  readonly socket: string;
  readonly pid: number;
  readonly count: number;
  /** RFC 3339. */
  readonly last: string;
}

/** The workloads that no identity matched lately, so that whoever configures the sidecar can see their selectors. */
export interface UnmatchedPeers {
  note(attestation: Attestation): void;
  /** Newest last. */
  list(): readonly UnmatchedPeer[];
}

/** How many are kept. */
const KEPT = 32;

export function createUnmatchedPeers(clock: Pick<Clock, 'nowMs'>): UnmatchedPeers {
  const peers = new Map<
    string,
    { selectors: readonly string[]; socket: string; pid: number; count: number; lastMs: number }
  >();
  return {
    note({ selectors, peer }) {
      const key = selectors.join(' ');
      const entry = peers.get(key) ?? { selectors, socket: peer.socket, pid: peer.pid, count: 0, lastMs: 0 };
      peers.delete(key);
      entry.count++;
      entry.pid = peer.pid;
      entry.lastMs = clock.nowMs();
      peers.set(key, entry);
      if (peers.size > KEPT) peers.delete(peers.keys().next().value!);
    },
    list: () => [...peers.values()].map(({ lastMs, ...entry }) => ({ ...entry, last: new Date(lastMs).toISOString() })),
  };
}
