import { openCheckpoint } from '../tlog/checkpoint.ts';
import type { NoteVerifier } from '../tlog/signed-note.ts';
import { fileError, LogError } from './log-error.ts';
import type { LogFiles } from './log-files.ts';
import { replaceFile } from './write-tiles.ts';

/** A signed head of a log. */
export interface SignedHead {
  readonly size: number;
  readonly root: Uint8Array;
  /** The signed checkpoint, byte for byte. */
  readonly checkpoint: Uint8Array;
}

const CHECKPOINT = 'checkpoint';

/**
 * Returns the head that bytes hold. Our own logs have no extension lines, so none is accepted.
 *
 * @throws {TlogError} as {@link openCheckpoint}
 */
export function openHead(checkpoint: Uint8Array, verifier: NoteVerifier): SignedHead {
  const { size, root } = openCheckpoint(checkpoint, verifier, 'refuse');
  return { size, root, checkpoint };
}

/**
 * Returns the published head of a log; undefined where none was published.
 *
 * @throws {LogError} `unreadable`; `checkpoint_invalid`: it is not of this log, or its key has not signed it.
 */
export async function readPublishedHead(files: LogFiles, verifier: NoteVerifier): Promise<SignedHead | undefined> {
  let bytes: Buffer | undefined;
  try {
    bytes = await files.read(CHECKPOINT);
  } catch (cause) {
    throw new LogError('unreadable', `the checkpoint of the log ${verifier.name} cannot be read`, cause);
  }
  if (!bytes) return undefined;
  try {
    return openHead(bytes, verifier);
  } catch (cause) {
    throw new LogError('checkpoint_invalid', `the published checkpoint is not one of the log ${verifier.name}`, cause);
  }
}

/** Puts a head in the place of the published one, durably. All its tiles are durable before. */
export async function writePublishedHead(files: LogFiles, { checkpoint }: SignedHead): Promise<void> {
  try {
    await replaceFile(files, CHECKPOINT, checkpoint);
  } catch (cause) {
    throw fileError('the checkpoint could not be published', cause);
  }
}
