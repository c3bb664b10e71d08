import type { Timers } from '@tallystick/core';
import type { Proof, ReplayStore } from '@tallystick/dpop';
import { Fault } from './fault.ts';
import { misconfigured } from './misconfigured.ts';

/** Lets each proof pass once. */
export interface ReplayGuard {
  /**
   * Takes the proof's `jti`. Called last, when all else is good: what is refused burns no `jti`, and strangers cannot
   * fill the store.
   *
   * @throws {Fault} `proof_replayed`; `replay_store_unavailable` when the store cannot tell, or not in time.
   */
  pass(proof: Proof): undefined | Promise<void>;
}

/** The inputs of {@link createReplayGuard}. */
export interface ReplayGuardOptions {
  readonly store: ReplayStore;
  readonly timers: Timers;
  /** For how long one proof can be accepted at the most, from its first use. */
  readonly acceptanceMs: number;
  /** For how long the store remembers it. */
  readonly lifeMs: number;
}

/** By how much the clocks of two replicas, or of a replica and its store, may differ. */
export const REPLICA_SKEW_MS = 5_000;
const TIMEOUT_MS = 2_000;

/**
 * Returns a guard over a replay store (RFC 9449 §11.1).
 *
 * @throws {TallystickError} `verifier_misconfigured`: the store would forget a proof that can still be accepted.
 */
export function createReplayGuard({ store, timers, acceptanceMs, lifeMs }: ReplayGuardOptions): ReplayGuard {
  if (!(lifeMs >= acceptanceMs + REPLICA_SKEW_MS)) {
    throw misconfigured(`"replayStore" would forget proofs after ${lifeMs} ms, which are good for ${acceptanceMs} ms`);
  }

  async function settle(reservation: Promise<boolean>): Promise<void> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = timers.after(TIMEOUT_MS, () => reject(new Error('the replay store did not answer in time')));
    try {
      judge(await Promise.race([reservation, late]));
    } catch (error) {
      throw error instanceof Fault ? error : unavailable(error);
    } finally {
      timer.cancel();
    }
  }

  return {
    pass({ jkt, jti }) {
      let reservation: boolean | Promise<boolean>;
      try {
        // By key first: nobody can use up another's `jti`. A thumbprint has one length, so that no two pairs are alike.
        reservation = store.reserve(`${jkt}:${jti}`, lifeMs);
      } catch (error) {
        throw unavailable(error);
      }
      if (typeof reservation === 'boolean') return judge(reservation);
      return settle(reservation);
    },
  };
}

function judge(wasFree: boolean): undefined {
  if (wasFree !== true) throw new Fault('proof_replayed', 'the proof has been used before');
}

function unavailable(cause: unknown): Fault {
  return new Fault('replay_store_unavailable', 'proofs cannot be checked for replay at present', cause);
}
