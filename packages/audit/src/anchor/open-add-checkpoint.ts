import { parseAddCheckpoint, type AddCheckpoint } from '../tlog/add-checkpoint.ts';
import { parseCheckpointBody, type Checkpoint } from '../tlog/checkpoint.ts';
import { parseNote, verifyNote, type Note, type NoteSignature, type NoteVerifier } from '../tlog/signed-note.ts';
import { TlogError } from '../tlog/tlog-error.ts';

/** Returns the keys that a witness trusts for the log of an origin; none where it does not know the log. */
export type TrustedLogs = (origin: string) => readonly NoteVerifier[];

/** A request that a log has signed. Nothing is known yet of how it fits to what was cosigned before. */
export interface SignedRequest extends Pick<AddCheckpoint, 'oldSize' | 'proof'> {
  readonly checkpoint: Checkpoint;
  /** The text of the checkpoint, extension lines included: what a cosignature is over. */
  readonly text: string;
  /** The signatures of the log that hold; those of unknown keys are left out. */
  readonly signatures: readonly NoteSignature[];
}

/** A request that is refused whatever the witness has cosigned before. */
export interface RefusedRequest {
  readonly status: 400 | 403 | 404;
  /** Which rule it broke, without a byte of the request. */
  readonly reason: string;
}

/**
 * Returns what the body of an `add-checkpoint` request says, signed by its log, or the status it is refused with
 * (tlog-witness, add-checkpoint): 400 for what is no such request, 404 for an unknown origin, 403 without a good
 * signature of that origin's log.
 */
export function openAddCheckpoint(body: Uint8Array, logs: TrustedLogs): SignedRequest | RefusedRequest {
  let request: AddCheckpoint;
  let note: Note;
  let checkpoint: Checkpoint;
  try {
    request = parseAddCheckpoint(body);
    note = parseNote(request.checkpoint);
    checkpoint = parseCheckpointBody(note.text, 'tolerate');
  } catch (error) {
    return { status: 400, reason: refusal(error).description };
  }
  const keys = logs(checkpoint.origin);
  if (keys.length === 0) return { status: 404, reason: 'the witness knows no log of this origin' };
  try {
    const signatures = verifyNote(note, keys).map(({ signature }) => signature);
    const { oldSize, proof } = request;
    return { oldSize, proof, checkpoint, text: note.text, signatures };
  } catch (error) {
    refusal(error);
    return {
      status: 403,
      reason: 'no key that is trusted for this origin has signed the checkpoint, or one signature is wrong',
    };
  }
}

/** Returns the error as what it is; any other is a defect, and passes. */
function refusal(error: unknown): TlogError {
  if (error instanceof TlogError) return error;
  throw error;
}
