import { backoffMs, TallystickError, type Clock, type Random } from '@tallystick/core';
import { wait } from './waits.ts';

/**
 * Keeps what has just failed from being asked again at once: one credential that is refused, or whose part of the
 * upstream is down, is asked for at the pace of the backoff, while all others go on.
 */
export interface HoldOffs {
  /** Returns the error to answer with while a path is held off. */
  refusal(path: string): Error | undefined;
  failed(path: string, error: unknown): void;
  succeeded(path: string): void;
}

interface HeldOff {
  readonly error: unknown;
  readonly attempts: number;
  readonly untilMs: number;
}

/** The wait grows up to a minute: a refusal costs the upstream little, and whoever repairs it wants to see that. */
const MAX_ATTEMPT = 6;
/** The oldest are forgotten first. */
const MAX_PATHS = 10_000;

export function createHoldOffs({
  clock,
  random,
}: {
  clock: Pick<Clock, 'monotonicMs'>;
  random: Pick<Random, 'uniform'>;
}): HoldOffs {
  const paths = new Map<string, HeldOff>();
  return {
    refusal(path) {
      const held = paths.get(path);
      const leftMs = held ? held.untilMs - clock.monotonicMs() : 0;
      return held && leftMs > 0 ? again(held.error, leftMs) : undefined;
    },
    failed(path, error) {
      const before = paths.get(path);
      // Calls that were under way beside the one that failed first say the same, not more.
      if (before && before.untilMs > clock.monotonicMs()) return;
      const attempts = (before?.attempts ?? -1) + 1;
      const askedMs = TallystickError.is(error) ? (error.retryAfterMs ?? 0) : 0;
      const waitMs = wait(Math.max(askedMs, backoffMs(Math.min(attempts, MAX_ATTEMPT), random.uniform())));
      paths.delete(path);
      paths.set(path, { error, attempts, untilMs: clock.monotonicMs() + waitMs });
      if (paths.size > MAX_PATHS) paths.delete(paths.keys().next().value!);
    },
    succeeded(path) {
      paths.delete(path);
    },
  };
}

function again(error: unknown, retryAfterMs: number): Error {
  if (!TallystickError.is(error)) return error instanceof Error ? error : new Error('a provider threw no error');
  const { code, description, remedy, retryable } = error;
  return new TallystickError(code, description, { remedy, retryable, retryAfterMs, cause: error });
}
