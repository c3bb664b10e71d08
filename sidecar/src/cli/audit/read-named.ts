import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { TallystickError } from '@tallystick/core';

const PIECE_BYTES = 262_144;

/** Returns the bytes of a file that the command line names. @throws {TallystickError} `state_unusable` */
export function readNamed(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** Yields the same, in pieces: it may be larger than the memory. @throws {TallystickError} `state_unusable` */
export function* piecesOf(path: string): Generator<Buffer> {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    for (;;) {
      const piece = Buffer.allocUnsafe(PIECE_BYTES);
      const length = readSync(file, piece);
      if (length === 0) return;
      yield piece.subarray(0, length);
    }
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Returns what a command says where a file, or one in a folder, cannot be read, or is not there. */
export function unreadable(path: string, error: unknown): TallystickError {
  if (TallystickError.is(error)) return error;
  const { code = 'unknown' } = error as NodeJS.ErrnoException;
  const isForbidden = code === 'EACCES' || code === 'EPERM';
  return new TallystickError('state_unusable', `"${path}" cannot be read: ${code}`, {
    remedy: isForbidden ? 'run the command as a user who may read it, such as that of the sidecar' : 'check the path',
    cause: error,
  });
}
