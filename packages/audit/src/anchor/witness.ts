import { TallystickError, type Clock } from '@tallystick/core';
import { parseCheckpointBody, type Checkpoint } from '../tlog/checkpoint.ts';
import { cosignatureVerifier, cosigner } from '../tlog/cosignature.ts';
import { publicNoteKey } from '../tlog/log-signer.ts';
import { KEY_TYPE, type NotePrivateKey } from '../tlog/note-key.ts';
import {
  formatNote,
  formatSignatureLine,
  parseNote,
  signatureOf,
  verifyNote,
  type NoteVerifier,
} from '../tlog/signed-note.ts';
import { judgeAddCheckpoint } from './judge-add-checkpoint.ts';
import { openAddCheckpoint, type RefusedRequest, type TrustedLogs } from './open-add-checkpoint.ts';
import type { WitnessStore } from './witness-store.ts';

/** The inputs of {@link createWitness}. */
export interface WitnessOptions {
  readonly store: WitnessStore;
  /** Ed25519, used for nothing else: a cosignature does not say whose it is (tlog-cosignature, Ed25519 signed message). */
  readonly key: NotePrivateKey;
  readonly logs: TrustedLogs;
  readonly clock: Clock;
}

/** What a witness answers. */
export type WitnessAnswer =
  /** `body` is one signature line, with its newline. */
  | { readonly status: 200; readonly body: string }
  | { readonly status: 409; readonly size: number }
  | { readonly status: 422; readonly reason: string }
  | RefusedRequest;

/** Somebody who watches that logs only grow, and says so with a time. */
export interface Witness {
  /**
   * Answers the body of an `add-checkpoint` request. May be called concurrently.
   *
   * @throws {TallystickError} `state_unusable`, as a rejection: the state cannot be read, is not what this witness has
   *   cosigned, or could not be made durable. Nothing is cosigned.
   */
  addCheckpoint(body: Uint8Array): Promise<WitnessAnswer>;
}

/**
 * Returns a witness of Ed25519 cosignatures (tlog-witness; tlog-cosignature).
 *
 * Its state of a log is the checkpoint that it cosigned last, with the log's signatures and its own: durable before
 * anybody sees the cosignature, and believed only under that cosignature.
 */
export function createWitness({ store, key, logs, clock }: WitnessOptions): Witness {
  const signer = cosigner(key, () => Math.floor(clock.nowMs() / 1000));
  const own = cosignatureVerifier(publicNoteKey(key, KEY_TYPE.cosignature));
  return {
    async addCheckpoint(body) {
      const request = openAddCheckpoint(body, logs);
      if ('status' in request) return request;
      const { checkpoint, text, signatures } = request;
      return store.update<WitnessAnswer>(checkpoint.origin, (state) => {
        const known = state && openWitnessState(state, own, logs(checkpoint.origin), checkpoint.origin);
        const judgement = judgeAddCheckpoint(known, request);
        if (judgement.status !== 200) return { answer: judgement };
        const cosignature = signatureOf(signer, text);
        const next = formatNote({ text, signatures: [...signatures, cosignature] });
        return { next, answer: { status: 200, body: formatSignatureLine(cosignature) } };
      });
    },
  };
}

/**
 * Returns the checkpoint that a witness has kept. Every one of its signatures has to hold: a state that anybody has
 * touched is not one to go on from.
 */
function openWitnessState(
  state: Uint8Array,
  own: NoteVerifier,
  log: readonly NoteVerifier[],
  origin: string,
): Checkpoint {
  try {
    const note = parseNote(state);
    const verified = verifyNote(note, [own, ...log]);
    const checkpoint = parseCheckpointBody(note.text, 'tolerate');
    if (verified.length === note.signatures.length && verified.some(({ verifier }) => verifier === own)) {
      if (checkpoint.origin === origin) return checkpoint;
    }
  } catch (cause) {
    throw stateRefused(cause);
  }
  throw stateRefused(undefined);
}

function stateRefused(cause: unknown): TallystickError {
  return new TallystickError('state_unusable', 'the state of a log is not one that this witness has cosigned', {
    remedy:
      'keep the folder as evidence; where the key of the log was taken off the list, put it back; else give the witness a new folder and a new key',
    ...(cause !== undefined && { cause }),
  });
}
