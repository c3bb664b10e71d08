import { fileError, LogError } from './log-error.ts';
import type { LogFiles } from './log-files.ts';
import { replaceFile } from './write-tiles.ts';

/** What is on disk, in the folder of a shard, from before its last records until the next shard has its first ones. */
export interface ShardCut {
  /** How many records the shard had before its last ones. With no more than these the cut was not begun. */
  readonly size: number;
  /** What the next shard begins with, as whoever makes the records understands it. */
  readonly carried: Uint8Array;
}

const CUT = 'cut';

/** @throws {LogError} `unreadable`, `cut_damaged` */
export async function readCut(files: LogFiles): Promise<ShardCut | undefined> {
  let bytes: Buffer | undefined;
  try {
    bytes = await files.read(CUT);
  } catch (cause) {
    throw new LogError('unreadable', 'the state of an unfinished cut cannot be read', cause);
  }
  if (!bytes) return undefined;
  const end = bytes.indexOf('\n');
  const size = bytes.toString('latin1', 0, Math.max(0, end));
  if (!/^(?:0|[1-9]\d{0,15})$/.test(size))
    throw new LogError('cut_damaged', 'the file of an unfinished cut is not one');
  return { size: Number(size), carried: bytes.subarray(end + 1) };
}

/** Makes a cut durable, before its first record. */
export async function writeCut(files: LogFiles, { size, carried }: ShardCut): Promise<void> {
  try {
    await replaceFile(files, CUT, Buffer.concat([Buffer.from(`${size}\n`), carried]));
  } catch (cause) {
    throw fileError('what the next shard begins with could not be written', cause);
  }
}

/** Ends a cut, durably: it is complete, or was not begun. */
export async function removeCut(files: LogFiles): Promise<void> {
  try {
    await files.unlink(CUT);
    await files.syncFolder('');
  } catch (cause) {
    throw fileError('the state of a cut that has ended could not be removed', cause);
  }
}
