import { cosignatureTime } from '../tlog/cosignature.ts';
import { parseDecimal } from '../tlog/decimal.ts';
import { parseSignatureLine, type NoteSignature, type NoteVerifier } from '../tlog/signed-note.ts';
import { TlogError } from '../tlog/tlog-error.ts';
import { AnchorError } from './anchor-error.ts';

/** A cosignature that its witness has made over one checkpoint: verified. */
export interface Cosignature {
  readonly signature: NoteSignature;
  /** When, by the witness, in seconds since the epoch. */
  readonly time: number;
}

/** What a witness has answered, as far as it was read. */
export interface RawAnswer {
  readonly status: number;
  /** The `Content-Type`, or ''. */
  readonly type: string;
  readonly body: Uint8Array;
}

/** What an answer to `add-checkpoint` says. */
export type ParsedAnswer =
  | { readonly kind: 'cosigned'; readonly cosignature: Cosignature }
  /** The size that the witness has cosigned last; undefined where it conflicts without a size. */
  | { readonly kind: 'conflict'; readonly size: number | undefined };

/** What an answer is judged by. */
export interface AnswerContext {
  /** Name of the witness, for messages. */
  readonly name: string;
  readonly verifier: NoteVerifier;
  /** The text of the checkpoint that was sent. */
  readonly text: string;
  readonly nowMs: number;
}

/** How far the clock of a witness may be ahead of ours, in seconds. An anchor from the future would never grow old. */
const MAX_WITNESS_LEAD_SECONDS = 300;

/**
 * Returns what the answer of a witness says (tlog-witness, add-checkpoint). Cosignatures of unknown keys are ignored; of
 * a body that is refused no byte gets into an error.
 *
 * @throws {AnchorError} `witness_answer`, `witness_unconfigured`, `witness_disagrees` or `witness_busy`
 */
export function parseWitnessAnswer({ status, type, body }: RawAnswer, context: AnswerContext): ParsedAnswer {
  const { name } = context;
  if (status === 200) return { kind: 'cosigned', cosignature: cosignatureOf(body, context) };
  if (status === 409) return { kind: 'conflict', size: type === 'text/x.tlog.size' ? sizeOf(body) : undefined };
  if (status === 403 || status === 404) {
    throw new AnchorError(
      'witness_unconfigured',
      `the witness ${name} does not know this log, or not its key (${status})`,
    );
  }
  if (status === 422) {
    throw new AnchorError(
      'witness_disagrees',
      `the witness ${name} has cosigned a head from which this log has not grown`,
    );
  }
  if (status === 429 || status >= 500) throw new AnchorError('witness_busy', `the witness ${name} answered ${status}`);
  throw new AnchorError('witness_answer', `the witness ${name} answered ${status}`);
}

function cosignatureOf(body: Uint8Array, { name, verifier, text, nowMs }: AnswerContext): Cosignature {
  const lines = Buffer.from(body).toString('utf8').split('\n');
  if (lines.pop() !== '') throw wrong(name);
  try {
    const signature = lines
      .map(parseSignatureLine)
      .find(
        (each) => each.name === verifier.name && each.keyId === verifier.keyId && verifier.verify(text, each.bytes),
      );
    if (!signature) throw wrong(name);
    const time = cosignatureTime(signature.bytes);
    if (time > nowMs / 1000 + MAX_WITNESS_LEAD_SECONDS) {
      throw new AnchorError('witness_answer', `the clock of the witness ${name} is ahead of ours`);
    }
    return { signature, time };
  } catch (error) {
    if (error instanceof TlogError) throw wrong(name);
    throw error;
  }
}

function wrong(name: string): AnchorError {
  return new AnchorError('witness_answer', `the witness ${name} answered without a good cosignature of its key`);
}

function sizeOf(body: Uint8Array): number | undefined {
  const text = Buffer.from(body).toString('latin1');
  return text.endsWith('\n') ? parseDecimal(text.slice(0, -1)) : undefined;
}
