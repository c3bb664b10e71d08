import type { Made, Renewed } from '../providers/provider.ts';
import type { UpstreamLease, UpstreamLeases } from '../state/upstream-leases.ts';
import type { Lease } from './lease.ts';

/** Keeps on disk what ends the leases of upstreams: from before one is made until it has ended. */
export interface UpstreamKeeping {
  /** Begins with an order whose intent is not on record yet. */
  begin(order: Pick<UpstreamLease, 'leaseId' | 'identity' | 'provider' | 'untilMs'>): KeptOrder;
  /** Keeps for how long a lease that was extended is there upstream. Durable when it resolves. */
  extended(lease: Lease, renewed: Renewed): Promise<void>;
}

/** What is kept of one order. */
export interface KeptOrder {
  /** True once something that could be made is kept: what comes of it is found out when that is ended. */
  readonly isKept: boolean;
  /** Durable when it resolves. Of an order that has failed already, what is kept is ended. */
  keep(handle: string): Promise<void>;
  /** Says which record the order refers to. To be called before it goes to the provider. */
  intended(intent: string): void;
  /** Keeps what was made as its upstream has it now. Durable when it resolves. */
  made(made: Made): Promise<void>;
  /** Says that nobody gets what was made, if something was: what is kept is ended. */
  failed(): void;
}

/** The inputs of {@link createUpstreamKeeping}. */
export interface UpstreamKeepingOptions {
  readonly leases: Pick<UpstreamLeases, 'keep'>;
  /** Waits until nobody ends any more what an earlier run has left under the same handle. */
  readonly claim: (kept: UpstreamLease) => Promise<void>;
  /** Ends what is known by its handle alone. */
  readonly end: (kept: UpstreamLease) => void;
}

export function createUpstreamKeeping({ leases, claim, end }: UpstreamKeepingOptions): UpstreamKeeping {
  const write = async (kept: UpstreamLease): Promise<void> => {
    await claim(kept);
    await leases.keep(kept);
  };
  return {
    begin(order) {
      let kept: UpstreamLease | undefined;
      let intent = '';
      let [isFailed, writing] = [false, 0];
      const keep = async (handle: string, untilMs: number): Promise<void> => {
        const own = (kept = { ...order, intent, handle, untilMs });
        writing++;
        try {
          await write(own);
        } finally {
          writing--;
          if (isFailed) end(own);
        }
      };
      return {
        get isKept() {
          return kept !== undefined;
        },
        keep: (handle) => keep(handle, order.untilMs),
        intended(id) {
          intent = id;
        },
        async made({ handle, expiresAtMs, renewableUntilMs }) {
          if (handle === undefined) return;
          const untilMs = Math.max(order.untilMs, expiresAtMs, renewableUntilMs ?? 0);
          if (kept?.handle !== handle || kept.untilMs < untilMs) await keep(handle, untilMs);
        },
        failed() {
          isFailed = true;
          // What is being written is ended when that is over: its end must not come to the disk before it.
          if (kept && writing === 0) end(kept);
        },
      };
    },
    async extended({ id, key, upstream }, { expiresAtMs, renewableUntilMs }) {
      const { handle, intent, keptUntilMs } = upstream!;
      const untilMs = Math.max(expiresAtMs, renewableUntilMs ?? 0);
      if (handle === undefined || untilMs <= keptUntilMs) return;
      const { identity, credential } = key;
      await write({ leaseId: id, identity, intent, provider: credential.provider, handle, untilMs });
      upstream!.keptUntilMs = untilMs;
    },
  };
}
