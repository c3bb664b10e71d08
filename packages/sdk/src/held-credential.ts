import type { Clock, Credential } from '@tallystick/core';

/** A credential in memory, with what serving it needs. */
export interface HeldCredential<C extends Credential = Credential> {
  /** Frozen: what a caller is given. */
  readonly credential: C;
  /** Monotonic instant before the request for it was sent: it is not older than that. */
  readonly askedAtMs: number;
  /** Monotonic instant at which it should be replaced. */
  readonly refreshAtMs: number;
  /** Monotonic instant, and by the wall clock, from which it is not used. Whichever comes first. */
  readonly endsAtMs: number;
  readonly endsAtWallMs: number;
}

/** How long an answer says that its credential is good. */
export interface Lifespan {
  /** From the making of the answer. */
  readonly lifetimeMs: number;
  readonly rotateAt: Date;
}

/** Two instants of one moment. */
export interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** Returns this moment. */
export function momentOf(clock: Clock): Moment {
  return { monotonicMs: clock.monotonicMs(), wallMs: clock.nowMs() };
}

/** Answers count whole seconds, and a request takes time: nothing is used in its last second. */
const MARGIN_MS = 1000;

/**
 * True while a credential may be used. Both clocks must agree: one can be set back, the other stands still in a suspended
 * machine.
 */
export function isUsable(held: HeldCredential, clock: Clock): boolean {
  return clock.monotonicMs() < held.endsAtMs && clock.nowMs() < held.endsAtWallMs;
}

/** Returns when a credential is replaced and ends, counted from the moment before it was asked for, which was earlier. */
export function termsOf({ lifetimeMs, rotateAt }: Lifespan, asked: Moment): Omit<HeldCredential, 'credential'> {
  const marginMs = Math.min(MARGIN_MS, lifetimeMs / 4);
  const untilRotationMs = Math.min(rotateAt.getTime() - asked.wallMs, lifetimeMs);
  return {
    askedAtMs: asked.monotonicMs,
    // A rotation instant that has passed must not make every use a request to the sidecar.
    refreshAtMs: asked.monotonicMs + Math.max(untilRotationMs, marginMs),
    endsAtMs: asked.monotonicMs + lifetimeMs - marginMs,
    endsAtWallMs: asked.wallMs + lifetimeMs - marginMs,
  };
}
