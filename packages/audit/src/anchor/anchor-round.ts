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
  readonly failures: readonly { readonly witness: string; readonly error: TallystickError }[];
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
  const cosignatures: Cosignature[] = [];
  const failures: { witness: string; error: TallystickError }[] = [];
  await Promise.all(
    witnesses.map(async (witness) => {
      try {
        cosignatures.push(await submitCheckpoint({ ...options, witness, oldSize: anchors.sizeAt(witness.name) }));
      } catch (error) {
        if (signal?.aborted || !TallystickError.is(error)) throw error;
        failures.push({ witness: witness.name, error });
      }
    }),
  );
  const head = cosignatures.length > 0 ? await anchors.keep(checkpoint, cosignatures) : undefined;
  return { head, failures };
}
