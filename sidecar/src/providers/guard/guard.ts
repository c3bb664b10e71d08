import { TallystickError, type Clock, type Random, type Timers } from '@tallystick/core';
import type { Log } from '../../observe/log.ts';
import { NotSent } from '../not-sent.ts';
import type { MintOrder, Provider } from '../provider.ts';
import type { UpstreamStatus } from '../upstream-status.ts';
import { createBreaker, type Pass } from './breaker.ts';
import { createCallLane } from './call-lane.ts';
import { codeOf, judgeFailure } from './call-outcome.ts';
import { createHoldOffs } from './hold-offs.ts';
import { createIssueRate } from './issue-rate.ts';
import { withDeadline } from './with-deadline.ts';

/** One call of a provider, as telemetry hears of it. */
export interface ProviderCall {
  readonly operation: 'mint' | 'renew' | 'end';
  /** Name of the provider. */
  readonly provider: string;
  readonly leaseId?: string | undefined;
}

/** A provider behind a guard. */
export interface GuardedProvider extends Provider {
  status(): Omit<UpstreamStatus, 'name' | 'type'>;
}

/** The inputs of {@link guard}. */
export interface GuardOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Pick<Random, 'uniform'>;
  /** How many sidecars share the upstream. */
  readonly fleetSize: () => number;
  /** Runs a call; what watches it is around it. */
  readonly observe: <T>(call: ProviderCall, run: () => Promise<T>) => Promise<T>;
  readonly log: Log;
  /** What one call may take, its wait for others included, milliseconds. */
  readonly deadlineMs?: number;
  readonly atOnce?: number;
  /** How many calls of one identity may wait. */
  readonly waiting?: number;
  /** New credentials on one path (a credential for an identity) in a minute. */
  readonly issuesPerMinute?: number;
  /** New credentials on one path at once, after a time without any. */
  readonly issueBurst?: number;
}

/**
 * Returns `provider` as it may be asked at any time by anybody: never more at once than an upstream bears, never again
 * at once after a failure, never longer than a deadline, and not at all while it does not serve: then every call fails
 * at once with `upstream_unavailable` and the time after which it is worth another try.
 */
export function guard(provider: Provider, options: GuardOptions): GuardedProvider {
  const { name, clock, timers, random, fleetSize, observe, log } = options;
  const { deadlineMs = 20_000, atOnce = 16, waiting = 1024, issuesPerMinute = 600, issueBurst = 1000 } = options;
  const lane = createCallLane({ atOnce, waiting });
  const holdOffs = createHoldOffs({ clock, random });
  const rate = createIssueRate({ clock, perMinute: issuesPerMinute, burst: issueBurst });
  let reachable: boolean | undefined;
  let succeededAtMs: number | undefined;
  let troubledAtMs: number | undefined;
  let servesFromMs: number | undefined;
  let lastError: string | undefined;
  let leftAlone = false;
  let calls = 0;
  const ageOf = (atMs: number | undefined): number | undefined =>
    atMs === undefined ? undefined : clock.monotonicMs() - atMs;
  const notAsked = (retryAfterMs: number): NotSent =>
    new NotSent('upstream_unavailable', `"${name}" is not asked for a while (${lastError ?? 'no answer'})`, {
      retryAfterMs,
    });
  const breaker = createBreaker({
    clock,
    random,
    fleetSize,
    changed(state) {
      if (state === 'closed') {
        leftAlone = false;
        log.info('an upstream serves again', { provider: name });
        lane.restart();
        return;
      }
      if (!leftAlone) log.warn('an upstream does not serve and is left alone', { provider: name, code: lastError });
      leftAlone = true;
      lane.refuse(() => notAsked(breaker.refusesMs() ?? PROBED_SOON_MS));
    },
  });

  const answered = (): void => {
    reachable = true;
    servesFromMs ??= clock.monotonicMs();
  };
  const failed = (path: string | undefined, error: unknown, pass: Pass): void => {
    const failure = judgeFailure(error);
    if (failure === 'elsewhere') {
      pass.abandoned();
      return;
    }
    if (failure !== 'applicant') {
      lastError = codeOf(error);
      if (path !== undefined) holdOffs.failed(path, error);
    }
    if (failure !== 'trouble') {
      answered();
      pass.answered();
      return;
    }
    reachable = false;
    troubledAtMs = clock.monotonicMs();
    servesFromMs = undefined;
    pass.troubled(TallystickError.is(error) ? error.retryAfterMs : undefined);
  };
  const succeeded = (path: string | undefined, pass: Pass): void => {
    answered();
    pass.answered();
    succeededAtMs = clock.monotonicMs();
    lastError = undefined;
    if (path !== undefined) holdOffs.succeeded(path);
  };
  const busy = (): NotSent =>
    new NotSent('overloaded', `"${name}" has more calls than it serves in time`, { retryAfterMs: 1000 });
  /** @throws {TallystickError} Why no call of a caller on a path may begin now. */
  const refuseEarly = (caller: string, path: string | undefined): void => {
    const refusesMs = breaker.refusesMs();
    if (refusesMs !== undefined) throw notAsked(refusesMs);
    const refusal = path === undefined ? undefined : holdOffs.refusal(path);
    if (refusal !== undefined) throw refusal;
    if (lane.isFull(caller)) throw busy();
  };
  const refuseIssue = (path: string): void => {
    const retryAfterMs = rate.waitMs(path);
    if (retryAfterMs === undefined) return;
    throw new TallystickError('issue_limit', `"${name}" was asked for new credentials on one path too often`, {
      retryAfterMs,
    });
  };
  const inTime = async <T>(stop: AbortSignal, run: (signal: AbortSignal) => Promise<T> | T): Promise<T> => {
    const limit = withDeadline({ name, timers, deadlineMs, stop });
    try {
      return await limit.race(Promise.resolve(run(limit.signal)));
    } finally {
      limit.over();
    }
  };
  const ask = async <T>(
    call: ProviderCall,
    // Who waits in turn with others.
    caller: string,
    // What is held off after it failed; undefined: whoever asks waits by itself.
    path: string | undefined,
    stop: AbortSignal,
    act: (signal: AbortSignal) => Promise<T>,
    late?: (value: T) => void,
  ): Promise<T> => {
    refuseEarly(caller, path);
    const limit = withDeadline({ name, timers, deadlineMs, stop });
    const latestMs = clock.monotonicMs() + deadlineMs / 2;
    let isBegun = false;
    const begin = async (): Promise<T> => {
      // Cut off soon after it began, it would say of the upstream what is true of those who wait for it.
      if (clock.monotonicMs() > latestMs) throw busy();
      const pass = breaker.admit();
      isBegun = pass !== undefined;
      if (!pass) throw notAsked(breaker.refusesMs() ?? PROBED_SOON_MS);
      try {
        const value = await observe(call, () => limit.race(act(limit.signal), late));
        succeeded(path, pass);
        return value;
      } catch (error) {
        if (stop.aborted) pass.abandoned();
        else failed(path, error, pass);
        throw error;
      }
    };
    calls++;
    try {
      return await lane.run(caller, begin, limit.signal);
    } catch (error) {
      throw !isBegun && TallystickError.is(error) ? NotSent.of(error) : error;
    } finally {
      calls--;
      limit.over();
    }
  };

  const { renew, end } = provider;
  return {
    // While nothing can be made, there is nothing to put an intent on record for.
    async requireApplicant(order) {
      refuseEarly(order.identity.id, pathOf(order));
      refuseIssue(pathOf(order));
      await inTime(order.signal, (signal) => provider.requireApplicant?.({ ...order, signal }));
    },
    async mint(order) {
      const path = pathOf(order);
      refuseEarly(order.identity.id, path);
      refuseIssue(path);
      rate.take(path);
      return ask(
        { operation: 'mint', provider: name, leaseId: order.leaseId },
        order.identity.id,
        path,
        order.signal,
        (signal) => provider.mint({ ...order, signal }),
        // Nobody waits for it any more. What it made is known by its handle, and ended as what a crash left.
        ({ handle }) => {
          if (handle !== undefined) order.keep(handle).catch(() => {});
        },
      );
    },
    ...(renew && {
      renew: (handle, order) =>
        ask(
          { operation: 'renew', provider: name, leaseId: order.leaseId },
          'renew',
          order.leaseId,
          order.signal,
          (signal) => renew.call(provider, handle, { ...order, signal }),
        ),
    }),
    ...(end && {
      end: (handle, stop) =>
        ask({ operation: 'end', provider: name }, 'end', undefined, stop, (signal) =>
          end.call(provider, handle, signal),
        ),
    }),
    // An operator asks, once, and wants to know what is there now.
    check: (wanted, stop) => inTime(stop, (signal) => provider.check(wanted, signal)),
    close: () => provider.close(),
    status: () => ({
      reachable,
      breaker: breaker.state,
      successAgeMs: ageOf(succeededAtMs),
      lastError,
      troubleAgeMs: ageOf(troubledAtMs),
      servesMs: ageOf(servesFromMs),
      calls,
    }),
  };
}

/** One probe is about to begin, and who comes beside it waits for that. */
const PROBED_SOON_MS = 1000;

function pathOf({ name, identity }: Pick<MintOrder, 'name' | 'identity'>): string {
  return `${name} ${identity.id}`;
}
