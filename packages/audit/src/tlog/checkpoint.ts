import { isCount, parseDecimal } from './decimal.ts';
import { isKeyName } from './note-key.ts';
import {
  formatNote,
  parseNote,
  signNote,
  verifyNote,
  type Note,
  type NoteSigner,
  type NoteVerifier,
} from './signed-note.ts';
import { decodeHash } from './strict-base64.ts';
import { TlogError } from './tlog-error.ts';

/** The head of a log at one size (tlog-checkpoint, Note text). */
export interface Checkpoint {
  /** Which log it is of. */
  readonly origin: string;
  /** Number of leaves. */
  readonly size: number;
  /** Root of the Merkle tree over them: 32 bytes. */
  readonly root: Uint8Array;
}

/** What to do with extension lines: our logs have none, other people's may. */
export type Extensions = 'refuse' | 'tolerate';

/**
 * Returns the text of a checkpoint: origin, size and root, a line each. It never has extension lines, which no
 * monitor can audit.
 *
 * @throws {TlogError} `origin`, `size` or `hash`.
 */
export function formatCheckpointBody({ origin, size, root }: Checkpoint): string {
  if (!isKeyName(origin))
    throw new TlogError('origin', 'the origin of a log is not empty and has no space and no plus');
  if (!isCount(size)) throw new TlogError('size', `a tree has no size ${size}`);
  if (root.length !== 32) throw new TlogError('hash', `a root has 32 bytes, not ${root.length}`);
  return `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`;
}

/**
 * Returns what the text of a checkpoint says. Extension lines are no part of it: nobody but the log vouches for them.
 *
 * @throws {TlogError} `checkpoint`; `extension`: there are extension lines, and they are to be refused.
 */
export function parseCheckpointBody(text: string, extensions: Extensions): Checkpoint {
  if (!text.endsWith('\n')) throw new TlogError('checkpoint', 'the last line of a checkpoint ends with a newline');
  const [origin, sizeText, rootText, ...rest] = text.slice(0, -1).split('\n');
  const size = parseDecimal(sizeText ?? '');
  const root = decodeHash(rootText ?? '');
  if (!origin) throw new TlogError('checkpoint', 'the first line of a checkpoint is its origin');
  if (size === undefined) throw new TlogError('checkpoint', 'the second line of a checkpoint is its size');
  if (!root) throw new TlogError('checkpoint', 'the third line of a checkpoint is its root, 32 bytes in base64');
  if (rest.includes('')) throw new TlogError('checkpoint', 'an extension line of a checkpoint is empty');
  if (rest.length > 0 && extensions === 'refuse') {
    throw new TlogError('extension', 'the checkpoint has extension lines, which its log does not make');
  }
  return { origin, size, root };
}

/** Returns the signed checkpoint: what `checkpoint` of a log's folder holds. */
export function signCheckpoint(checkpoint: Checkpoint, signers: readonly NoteSigner[]): Buffer {
  return formatNote(signNote(formatCheckpointBody(checkpoint), signers));
}

/**
 * Returns the checkpoint that bytes hold, signed by a log that is named like its origin.
 *
 * @param log The only key that is believed; a signature of another is ignored, a wrong one of this key is refused.
 * @throws {TlogError} `note`, `checkpoint`, `extension`, `signature`, `unsigned`, or `origin`: it is of another log.
 */
export function openCheckpoint(
  bytes: Uint8Array,
  log: NoteVerifier,
  extensions: Extensions,
): Checkpoint & { note: Note } {
  const note = parseNote(bytes);
  verifyNote(note, [log]);
  const checkpoint = parseCheckpointBody(note.text, extensions);
  if (checkpoint.origin !== log.name) throw new TlogError('origin', `the checkpoint is not of the log ${log.name}`);
  return { ...checkpoint, note };
}
