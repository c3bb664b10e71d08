import { USAGE_LIMITS, type ReportedUse } from '@tallystick/protocol';
import type { BusinessProcess } from '@tallystick/telemetry';
import type { HeldToken } from './held-token.ts';

/** How often one token was used at one place for one business process, and not reported yet. */
export interface UseCount {
  readonly held: HeldToken;
  /** URL origin. */
  readonly target: string;
  readonly process: BusinessProcess | undefined;
  count: number;
  /** Milliseconds since the epoch, by the wall clock. */
  firstMs: number;
  lastMs: number;
}

/**
 * So many counts are told apart; beyond, a use is counted without its business process. That bounds the memory of a
 * sidecar that is away for long.
 */
const MAX_COUNTS = 2048;

/** Counts uses. What is asked for every call is that one comes after another of its kind: that costs three comparisons. */
export class UsageLedger {
  readonly #counts = new Map<string, UseCount>();
  #latest: UseCount | undefined;

  count(held: HeldToken, target: string, process: BusinessProcess | undefined, nowMs: number): void {
    let use = this.#latest;
    if (use === undefined || use.held !== held || use.process !== process || use.target !== target) {
      this.#latest = use = this.#find(held, target, process, nowMs);
    }
    use.count++;
    use.lastMs = nowMs;
  }

  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }

  /** Takes out as many as one report may have, the oldest first. */
  take(): UseCount[] {
    const taken: UseCount[] = [];
    const leases = new Set<string>();
    let length = 0;
    for (const [key, use] of this.#counts) {
      const { leaseId } = use.held.credential;
      length += lengthOf(use);
      const tooMany = taken.length === USAGE_LIMITS.uses || length > USAGE_LIMITS.length;
      if (tooMany || (leases.size === USAGE_LIMITS.leases && !leases.has(leaseId))) break;
      leases.add(leaseId);
      taken.push(use);
      this.#counts.delete(key);
    }
    this.#latest = undefined;
    return taken;
  }

  clear(): void {
    this.#counts.clear();
    this.#latest = undefined;
  }

  #find(held: HeldToken, target: string, claimed: BusinessProcess | undefined, nowMs: number): UseCount {
    const process = this.#counts.size < MAX_COUNTS ? claimed : undefined;
    const { leaseId } = held.credential;
    const key = JSON.stringify([leaseId, target, process?.id, process?.runId, process?.ticket]);
    const known = this.#counts.get(key);
    if (known) return known;
    const use = { held, target, process, count: 0, firstMs: nowMs, lastMs: nowMs };
    this.#counts.set(key, use);
    return use;
  }
}

/** Returns a count as a report has it. */
export function reportedUse({ held, target, process, count, firstMs, lastMs }: UseCount): ReportedUse {
  // A wall clock may have been set back between the two.
  const [first, last] = firstMs <= lastMs ? [firstMs, lastMs] : [lastMs, firstMs];
  return {
    leaseId: held.credential.leaseId,
    count,
    first: new Date(first),
    last: new Date(last),
    target,
    process: process ? { id: process.id, run: process.runId ?? null, ticket: process.ticket ?? null } : null,
  };
}

/** No less than its characters in a report, the comma included. */
function lengthOf({ target, process }: UseCount): number {
  const claims = process ? JSON.stringify([process.id, process.runId, process.ticket]).length : 0;
  return FIXED_LENGTH + target.length + claims;
}

/** Member names, a lease id, two times and the longest count. */
const FIXED_LENGTH = 240;
