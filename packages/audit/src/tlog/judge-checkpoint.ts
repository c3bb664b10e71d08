import { parseCheckpointBody, type Checkpoint, type Extensions } from './checkpoint.ts';
import { cosignatureTime } from './cosignature.ts';
import { parseNote, verifiedSignatures, verifyNote } from './signed-note.ts';
import { TlogError } from './tlog-error.ts';
import { isQuorum, type TlogPolicy } from './tlog-policy.ts';

/** A checkpoint that a policy accepts, and who has vouched for it. */
export interface JudgedCheckpoint extends Checkpoint {
  /** Name of the witness in the policy, and when it cosigned, in seconds since the epoch. One for each cosignature. */
  readonly cosignatures: readonly { readonly witness: string; readonly time: number }[];
}

/**
 * Returns the checkpoint that bytes hold, signed by a log of the policy and cosigned by enough of its witnesses
 * (tlog-policy, What is a "policy"?; tlog-proof, Verifying a tlog proof, steps 2 and 3).
 *
 * Times of cosignatures are returned, not judged: how old an anchor may be is for the caller to say.
 *
 * @throws {TlogError} `note`, `checkpoint`, `extension`, `signature`; `origin`: no log of the policy has this origin; `unsigned`:
 *   that log has not signed; `quorum`: too few witnesses have.
 */
export function judgeCheckpoint(bytes: Uint8Array, policy: TlogPolicy, extensions: Extensions): JudgedCheckpoint {
  const note = parseNote(bytes);
  const checkpoint = parseCheckpointBody(note.text, extensions);
  const logs = policy.logs.filter(({ verifier }) => verifier.name === checkpoint.origin);
  if (logs.length === 0) throw new TlogError('origin', 'the policy trusts no log of the origin of this checkpoint');
  verifyNote(
    note,
    logs.map(({ verifier }) => verifier),
  );
  const witnesses = policy.witnesses.map(({ name, verifier }) => ({ ...verifier, witness: name }));
  const cosignatures = verifiedSignatures(note, witnesses).map(({ verifier, signature }) => ({
    witness: verifier.witness,
    time: cosignatureTime(signature.bytes),
  }));
  if (!isQuorum(policy, new Set(cosignatures.map(({ witness }) => witness)))) {
    throw new TlogError(
      'quorum',
      `too few witnesses of the quorum have cosigned the checkpoint of size ${checkpoint.size}`,
    );
  }
  return { ...checkpoint, cosignatures };
}
