import type { Clock, Timers } from '@tallystick/core';
import { formatAddCheckpoint } from '../tlog/add-checkpoint.ts';
import { parseCheckpointBody } from '../tlog/checkpoint.ts';
import { proveConsistency, type HashReader } from '../tlog/prove.ts';
import { parseNote, type NoteVerifier } from '../tlog/signed-note.ts';
import { AnchorError } from './anchor-error.ts';
import { postCheckpoint } from './post-checkpoint.ts';
import { parseWitnessAnswer, type Cosignature } from './witness-answer.ts';

/** A witness as a log knows it, from its policy. */
export interface KnownWitness {
  readonly name: string;
  /** The submission prefix. */
  readonly url: string;
  readonly verifier: NoteVerifier;
}

/** What it takes to ask a witness. */
export interface WitnessCalls {
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly timers: Timers;
  /** How long one answer may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** The inputs of {@link submitCheckpoint}. */
export interface SubmitCheckpointOptions extends WitnessCalls {
  readonly witness: KnownWitness;
  /** A signed checkpoint that is published: what a witness has seen can never be taken back. */
  readonly checkpoint: Uint8Array;
  /** Reads hashes of the tree of that checkpoint, or of a larger one. */
  readonly readHashes: HashReader;
  /** The size that this witness is thought to have cosigned last; 0 where nothing is known, as the witness will say. */
  readonly oldSize: number;
  readonly signal?: AbortSignal;
}

/** The first request, one that begins where the witness said, and one more where somebody else was faster. */
const ROUNDS = 3;

/**
 * Asks a witness to cosign a checkpoint and returns its cosignature (tlog-witness, add-checkpoint). Where the witness
 * begins at another size it is asked again from there.
 *
 * A witness that is down, slow or hostile costs at most three deadlines: it can refuse, and no more. That it claims to have
 * seen more than there is (`witness_ahead`), or something else (`witness_disagrees`), is not proven by its word; it is
 * what a rolled back log would be told by an honest one.
 *
 * @throws {AnchorError} any fault of a witness; what `signal` is aborted with
 */
export async function submitCheckpoint(options: SubmitCheckpointOptions): Promise<Cosignature> {
  const { witness, checkpoint, readHashes, fetch, clock, timers, timeoutMs, signal } = options;
  const { name, url, verifier } = witness;
  const { text } = parseNote(checkpoint);
  const { size } = parseCheckpointBody(text, 'refuse');
  let { oldSize } = options;
  for (let round = 1; round <= ROUNDS; round++) {
    if (oldSize > size) {
      throw new AnchorError(
        'witness_ahead',
        `the witness ${name} says it has cosigned ${oldSize} records; the log has ${size}`,
      );
    }
    const proof = oldSize === 0 ? [] : await proveConsistency(oldSize, size, readHashes);
    const body = new Uint8Array(formatAddCheckpoint({ oldSize, proof, checkpoint }));
    const answer = await postCheckpoint({ name, url, body, fetch, timers, timeoutMs, signal });
    const parsed = parseWitnessAnswer(answer, { name, verifier, text, nowMs: clock.nowMs() });
    if (parsed.kind === 'cosigned') return parsed.cosignature;
    if (parsed.size === undefined) {
      throw new AnchorError('witness_answer', `the witness ${name} refused the old size without saying its own`);
    }
    if (parsed.size === oldSize) {
      throw new AnchorError('witness_disagrees', `the witness ${name} has cosigned another head of ${oldSize} records`);
    }
    oldSize = parsed.size;
  }
  throw new AnchorError('witness_answer', `the witness ${name} named another old size in each of ${ROUNDS} rounds`);
}
