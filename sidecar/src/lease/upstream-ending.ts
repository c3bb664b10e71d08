import type { Clock, Random, Timers } from '@tallystick/core';
import type { Lease } from './lease.ts';

/** Ends upstream what was made for leases that nobody may use any more. Nothing waits for it. */
export interface UpstreamEnding {
  /** Ends what an upstream has made for a lease; of a token of our own, nothing. */
  end(lease: Lease): void;
  /** Waits for what was begun, for so long at the most. */
  close(withinMs: number): Promise<void>;
}

/** The inputs of {@link createUpstreamEnding}. */
export interface UpstreamEndingOptions {
  /** Told of each that has ended upstream, or that it could not be. */
  readonly ended: (lease: Lease, status: 'revoked' | 'not_found' | 'unreachable') => void;
  readonly within: <T>(run: (signal: AbortSignal) => Promise<T>) => Promise<T>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
}

export function createUpstreamEnding({ ended, within }: UpstreamEndingOptions): UpstreamEnding {
  const running = new Set<Promise<void>>();
  const endNow = async (lease: Lease): Promise<void> => {
    const { provider, handle } = lease.upstream!;
    try {
      ended(lease, await within((signal) => provider.end!(handle!, signal)));
    } catch {
      ended(lease, 'unreachable');
    }
  };
  return {
    end(lease) {
      const { upstream } = lease;
      if (!upstream?.provider.end || upstream.handle === undefined) return;
      const run = endNow(lease).finally(() => running.delete(run));
      running.add(run);
    },
    async close() {
      await Promise.all(running);
    },
  };
}
