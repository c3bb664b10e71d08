import { join } from 'node:path';
import {
  createNodeLogFiles,
  formatTilePath,
  KEY_TYPE,
  logVerifier,
  originOf,
  placePath,
  publicNoteKey,
  TILE_WIDTH,
  TlogError,
  type LogOwner,
  type LogPlace,
  type NoteVerifier,
  type TileReader,
} from '@tallystick/audit';
import type { Clock, TallystickError } from '@tallystick/core';
import { openLogKey } from '../../state/log-key.ts';
import { createLogHeads, type LogHeads, type LogHeadsOptions } from './log-heads.ts';
import { keepShownHead } from './shown-head.ts';

/** The inputs of {@link openHeads}. */
export interface OpenHeadsOptions {
  readonly log: LogHeadsOptions['log'];
  readonly owner: LogOwner;
  /** Folder of all logs. */
  readonly folder: string;
  /** Folder of the keys. */
  readonly keys: string;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Told once that the log was set back; the next start knows it when this is called, if it could be written. */
  readonly onContradiction: (error: TallystickError) => void;
}

/** Returns the heads of an open log, judged by its own files and keys. */
export function openHeads({ log, owner, folder, keys, clock, onContradiction }: OpenHeadsOptions): LogHeads {
  const verifiers = new Map<string, NoteVerifier>();
  return createLogHeads({
    log,
    tilesOf: (place) => tilesIn(join(folder, placePath(place))),
    async verifierOf(place) {
      const path = placePath(place);
      const verifier = verifiers.get(path) ?? (await verifierOf(keys, owner, place));
      if (verifier) verifiers.set(path, verifier);
      return verifier;
    },
    async onContradiction(head, error) {
      try {
        await keepShownHead(keys, head, clock);
      } finally {
        onContradiction(error);
      }
    },
  });
}

/** Returns the verifier of a log's own signatures; undefined where its key is not here. One that is was there before them. */
async function verifierOf(keys: string, owner: LogOwner, place: LogPlace): Promise<NoteVerifier | undefined> {
  try {
    const privateKey = await openLogKey(keys, place, { mayMake: false });
    return logVerifier(publicNoteKey({ name: originOf(owner, place), privateKey }, KEY_TYPE.ed25519));
  } catch {
    return undefined;
  }
}

/** Returns a reader of a log's tiles; the full tile stands for a partial one that is gone (tlog-tiles, Partial Tiles). */
function tilesIn(folder: string): TileReader {
  const files = createNodeLogFiles(folder);
  return async (tile) => {
    const bytes =
      (await files.read(formatTilePath(tile))) ?? (await files.read(formatTilePath({ ...tile, width: TILE_WIDTH })));
    if (bytes) return bytes;
    throw new TlogError('tile', `${formatTilePath(tile)} is not among the files of the log`);
  };
}
