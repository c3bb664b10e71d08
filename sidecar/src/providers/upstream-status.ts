import type { BreakerState } from './guard/breaker.ts';

/** How an upstream is, as far as calls have shown. */
export interface UpstreamStatus {
  /** Name of the provider. */
  readonly name: string;
  /** Its `type` in the configuration. */
  readonly type: string;
  /** Whether it answered when it was asked last; undefined before that. */
  readonly reachable: boolean | undefined;
  readonly breaker: BreakerState;
  /** Milliseconds since a call succeeded; undefined before the first. */
  readonly successAgeMs: number | undefined;
  /** Code of the last failure since the last success. */
  readonly lastError: string | undefined;
  /** Milliseconds since it was in trouble last; undefined: never. */
  readonly troubleAgeMs: number | undefined;
  /** Milliseconds for which it has answered after that; undefined: not yet. */
  readonly servesMs: number | undefined;
  /** Calls that are under way or wait. */
  readonly calls: number;
}
