import type { Timer, Timers } from '@tallystick/core';
import type { UpstreamStatus } from '../providers/upstream-status.ts';
import type { UpstreamLease } from '../state/upstream-leases.ts';

/** What earlier runs have left upstream: its secrets are lost to us, so nobody is given it again. */
export interface UpstreamOrphans {
  /** Says whether it may be ended now. What this run has kept and could not use may be at any time. */
  judge(kept: UpstreamLease): 'end' | 'wait' | 'drop';
  /** Takes a handle for this run. Resolves when nobody is just ending it. */
  claim(kept: UpstreamLease): Promise<void>;
  stop(): void;
}

/** The inputs of {@link startUpstreamOrphans}. */
export interface UpstreamOrphansOptions {
  readonly earlier: readonly UpstreamLease[];
  readonly end: (kept: UpstreamLease) => void;
  /** Forgets what this run has come to use itself. */
  readonly forget: (leaseId: string) => void;
  /** Resolves when the try to end a lease that is under way, if one is, is over. */
  readonly tried: (leaseId: string) => Promise<void>;
  readonly status: () => readonly UpstreamStatus[];
  readonly timers: Timers;
}

/**
 * Holders go on using what an earlier run gave them until they have something new. An SDK finds out within 15 s that
 * its stream is dead, is back within seconds, and asks again within 5 s; twice that, and a slow upstream, is a minute.
 */
export const GRACE_MS = 60_000;
/** Who waits for an upstream asks it at least this often. */
const ASKED_BY_ALL_MS = 600_000;

/** Begins to end them after {@link GRACE_MS}. */
export function startUpstreamOrphans(options: UpstreamOrphansOptions): UpstreamOrphans {
  const { earlier, end, forget, tried, status, timers } = options;
  const byHandle = new Map(earlier.map((kept) => [textOf(kept), kept]));
  const ofEarlier = new Set(earlier);
  let timer: Timer | undefined;
  if (earlier.length > 0) {
    timer = timers.after(GRACE_MS, () => {
      for (const kept of byHandle.values()) end(kept);
    });
  }
  return {
    judge(kept) {
      if (!ofEarlier.has(kept)) return 'end';
      if (byHandle.get(textOf(kept)) !== kept) return 'drop';
      const upstream = status().find(({ name }) => name === kept.provider);
      return upstream && !isSettled(upstream) ? 'wait' : 'end';
    },
    async claim(kept) {
      const orphan = byHandle.get(textOf(kept));
      if (!orphan || orphan.leaseId === kept.leaseId) return;
      byHandle.delete(textOf(kept));
      forget(orphan.leaseId);
      await tried(orphan.leaseId);
    },
    stop: () => timer?.cancel(),
  };
}

/** True where holders could have had something new: it was not away, or has been back for a while. */
function isSettled({ servesMs, troubleAgeMs }: UpstreamStatus): boolean {
  if (troubleAgeMs === undefined) return true;
  return servesMs === undefined ? troubleAgeMs >= ASKED_BY_ALL_MS : servesMs >= GRACE_MS;
}

function textOf({ provider, handle }: UpstreamLease): string {
  return JSON.stringify([provider, handle]);
}
