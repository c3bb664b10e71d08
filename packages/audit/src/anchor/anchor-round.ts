import { TallystickError } from '@tallystick/core';
import type { HashReader } from '../tlog/prove.ts';
import type { TlogPolicy } from '../tlog/tlog-policy.ts';
import type { AnchoredHead, Anchors } from './anchors.ts';
import { submitCheckpoint, type KnownWitness, type WitnessCalls } from './submit-checkpoint.ts';
import type { Cosignature } from './witness-answer.ts';

/** The inputs of {@link anchorRound}. */
export interface AnchorRoundOptions extends WitnessCalls {
  /** A published head. */
  readonly checkpoint: Uint8Array;
  readonly readHashes: HashReader;
  readonly witnesses: readonly KnownWitness[];
  readonly anchors: Anchors;
  readonly signal?: AbortSignal;
}

/** What a round has come to. */
export interface AnchorRound {
  /** The head as it was kept; undefined where no witness has cosigned it. */
  readonly head: AnchoredHead | undefined;
  /** Why each of the others has not. */
  readonly failures: readonly Failure[];
}

interface Failure {
  readonly witness: string;
  readonly error: TallystickError;
}

/** Returns the witnesses of a policy that have a URL, which is their submission prefix (tlog-policy, Defining a witness). */
export function witnessesOf(policy: TlogPolicy): KnownWitness[] {
  return policy.witnesses.flatMap(({ name, url, verifier }) => (url === undefined ? [] : [{ name, url, verifier }]));
}

/**
 * Asks all witnesses at the same time to cosign a head, and keeps it with the cosignatures that came. One that fails
 * takes nothing from the others.
 *
 * @throws {AnchorError} `heads_unusable`; what `signal` is aborted with
 */
export async function anchorRound(options: AnchorRoundOptions): Promise<AnchorRound> {
  const { checkpoint, witnesses, anchors, signal } = options;
  const answers = await Promise.all(
    witnesses.map(async (witness): Promise<Cosignature | Failure> => {
      try {
        return await submitCheckpoint({ ...options, witness, oldSize: anchors.sizeAt(witness.name) });
      } catch (error) {
        if (signal?.aborted || !TallystickError.is(error)) throw error;
        return { witness: witness.name, error };
      }
    }),
  );
  // In the order of the policy, so that the file of heads does not tell who was faster.
  const cosignatures = answers.filter((answer) => 'signature' in answer);
  const failures = answers.filter((answer) => 'error' in answer);
  const head = cosignatures.length > 0 ? await anchors.keep(checkpoint, cosignatures) : undefined;
  return { head, failures };
}
