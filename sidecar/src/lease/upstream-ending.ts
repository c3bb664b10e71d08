import { backoffMs, TallystickError, type Clock, type Random, type Timer, type Timers } from '@tallystick/core';
import type { Provider, UpstreamHandles } from '../providers/provider.ts';
import type { UpstreamLease } from '../state/upstream-leases.ts';
import type { Lease } from './lease.ts';

/** What is to be ended upstream, without anything that a lease hides. */
export interface Ending {
  readonly leaseId: string;
  /** SPIFFE ID. */
  readonly identity: string;
  /** Name of the provider. */
  readonly provider: string;
  readonly handle: string;
  readonly handles: UpstreamHandles | null;
  /** Id of the record of the intent. */
  readonly intent: string;
  /** When the upstream has ended it by itself, milliseconds since the epoch. */
  readonly untilMs: number;
}

/** What came of ending something upstream. */
export type EndedStatus = 'revoked' | 'not_found' | 'expired' | 'unreachable';

/**
 * Ends upstream what was made for leases that nobody may use any more. Nothing waits for it; it is tried again until
 * the upstream has done it, or has ended the lease by its own time.
 */
export interface UpstreamEnding {
  /** Ends what an upstream has made for a lease; of a token of our own, nothing. */
  end(lease: Lease): void;
  /** Ends what is known by its handle alone: what a crash left, or a mint that failed on its way. */
  endKept(kept: UpstreamLease): void;
  /** How many there are that have not ended. */
  readonly pending: number;
  /** Resolves when a try to end a lease is over, if one is under way. */
  tried(leaseId: string): Promise<void>;
  /** The providers that something is still asked of. */
  providers(): Iterable<Provider>;
  /** Waits for what can be asked now, for so long at the most. What is left is for the next run. */
  close(withinMs: number): Promise<void>;
}

/** The inputs of {@link createUpstreamEnding}. */
export interface UpstreamEndingOptions {
  /**
   * Told of each that has ended upstream, `expired` where its own time came first. `unreachable` is told once, when it
   * could not be ended at first: it goes on being tried.
   */
  readonly ended: (ending: Ending, status: EndedStatus) => void;
  /** Told of each that needs no ending any more: it has ended, or its time is over. */
  readonly settled: (ending: Ending) => void;
  /** @throws {TallystickError} There is no such provider any more. */
  readonly providerOf: (name: string) => Promise<Provider>;
  /** Says whether what is known by its handle alone may be ended. Asked before each try. */
  readonly judgeKept: (kept: UpstreamLease) => 'end' | 'wait' | 'drop';
  readonly within: <T>(run: (signal: AbortSignal) => Promise<T>) => Promise<T>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Pick<Random, 'uniform'>;
}

interface Pending extends Ending {
  /** The one that made it; undefined: whoever has its name now. */
  readonly maker: Provider | undefined;
  /** Of what is known by its handle alone. */
  readonly kept: UpstreamLease | undefined;
  attempts: number;
  dueMs: number;
}

/** How many are ended at once: an upstream has others to serve. */
const AT_ONCE = 8;
/** What waits for another try is looked through this often. */
const TICK_MS = 1000;
const LOOK_AGAIN_MS = 10_000;
/** More are not kept in memory: their lines are in the state folder, and the next run ends them. */
const MAX_PENDING = 100_000;

export function createUpstreamEnding(options: UpstreamEndingOptions): UpstreamEnding {
  const { ended, settled, providerOf, judgeKept, within, clock, timers, random } = options;
  // Sets keep their order, and let go of the first in no time however many there are.
  const ready = new Set<Pending>();
  const waiting = new Set<Pending>();
  const running = new Map<Pending, Promise<void>>();
  let ticking: Timer | undefined;
  let isClosed = false;
  let idle: (() => void) | undefined;

  /** Returns undefined where its provider can end nothing. */
  const endNow = async (own: Pending): Promise<EndedStatus | undefined> => {
    const provider = own.maker ?? (await providerOf(own.provider));
    try {
      return provider.end && (await within((signal) => provider.end!(own.handle, signal)));
    } catch (error) {
      if (TallystickError.is(error) && error.code === 'upstream_not_found') return 'not_found';
      throw error;
    }
  };
  const attempt = async (own: Pending): Promise<void> => {
    try {
      const status = await endNow(own);
      if (status) ended(own, status);
      settled(own);
    } catch (error) {
      if (own.attempts === 0) ended(own, 'unreachable');
      const askedMs = TallystickError.is(error) ? (error.retryAfterMs ?? 0) : 0;
      later(own, Math.max(askedMs, backoffMs(own.attempts++, random.uniform())));
    }
  };
  const later = (own: Pending, ms: number): void => {
    own.dueMs = clock.monotonicMs() + ms;
    waiting.add(own);
  };
  const mayBegin = (own: Pending): boolean => {
    if (clock.nowMs() >= own.untilMs) {
      ended(own, 'expired');
      settled(own);
      return false;
    }
    const verdict = own.kept ? judgeKept(own.kept) : 'end';
    if (verdict === 'wait') later(own, LOOK_AGAIN_MS);
    return verdict === 'end';
  };
  const pump = (): void => {
    while (running.size < AT_ONCE) {
      const [own] = ready;
      if (!own) break;
      ready.delete(own);
      if (!mayBegin(own)) continue;
      const trying = attempt(own).finally(() => {
        running.delete(own);
        pump();
      });
      running.set(own, trying);
    }
    if (running.size === 0) idle?.();
    if (waiting.size > 0 && !isClosed) ticking ??= timers.after(TICK_MS, tick);
  };
  const tick = (): void => {
    ticking = undefined;
    const nowMs = clock.monotonicMs();
    for (const own of waiting) {
      if (own.dueMs > nowMs) continue;
      waiting.delete(own);
      ready.add(own);
    }
    pump();
  };
  const add = (own: Pending): void => {
    if (ready.size + waiting.size + running.size >= MAX_PENDING) return;
    ready.add(own);
    pump();
  };

  return {
    end({ id, key, handles, upstream }) {
      if (!upstream?.provider.end || upstream.handle === undefined) return;
      const { provider: maker, handle, intent, untilMs } = upstream;
      const { identity, credential } = key;
      const named = { leaseId: id, identity, provider: credential.provider, handle, handles, intent, untilMs };
      add({ ...named, maker, kept: undefined, attempts: 0, dueMs: 0 });
    },
    endKept: (kept) => add({ ...kept, handles: null, maker: undefined, kept, attempts: 0, dueMs: 0 }),
    get pending() {
      return ready.size + waiting.size + running.size;
    },
    async tried(leaseId) {
      for (const [own, trying] of running) if (own.leaseId === leaseId) await trying;
    },
    *providers() {
      for (const some of [ready, waiting, running.keys()]) for (const { maker } of some) if (maker) yield maker;
    },
    async close(withinMs) {
      isClosed = true;
      ticking?.cancel();
      if (running.size === 0) return;
      const over = Promise.withResolvers<void>();
      const timer = timers.after(withinMs, over.resolve);
      idle = over.resolve;
      await over.promise;
      timer.cancel();
      ready.clear();
    },
  };
}
