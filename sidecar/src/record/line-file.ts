import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { TallystickError } from '@tallystick/core';

/** The durable calls of a line file, so that tests can fail them. */
export interface DurableFile {
  /** Resolves when the bytes are on the disk. One call at a time. */
  append(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

// With O_DSYNC a write ends as if fdatasync(2) had followed it (open(2)): one visit to the thread pool and one
// system call instead of two, which is a third of the time.
const { O_WRONLY, O_CREAT, O_EXCL, O_APPEND, O_DSYNC } = constants;

/** Opens a new file for appending, mode 0600, and makes its name durable. It must not exist. */
export async function createDurableFile(path: string, folder: string): Promise<DurableFile> {
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_DSYNC, 0o600);
  try {
    await syncFolder(folder);
  } catch (error) {
    await file.close();
    throw error;
  }
  return {
    append: async (bytes) => {
      for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten;
    },
    close: () => file.close(),
  };
}

/** Makes the names in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle: FileHandle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Appends lines, many by one write. */
export interface LineFile {
  /** Resolves when the line is on the disk. Lines are written in the order of the calls. */
  append(line: string): Promise<void>;
  readonly pending: number;
  /** The failure after which nothing is written any more; undefined while all is well. */
  readonly failure: unknown;
  close(): Promise<void>;
}

/** Lines that share a write. */
interface Batch {
  readonly lines: string[];
  readonly durable: PromiseWithResolvers<void>;
}

/**
 * Returns a line file over `file` with group commit: while one batch is on its way to the disk the next one gathers.
 *
 * What fails is never tried again: the kernel may have dropped the pages, and a later sync would claim what is not so. From then on every append is refused, and `onFailure` has been told, once; it must not throw.
 */
export function createLineFile(file: DurableFile, onFailure: (error: unknown) => void): LineFile {
  let gathering: Batch | undefined;
  let committing: Promise<void> | undefined;
  let pending = 0;
  let failure: unknown;

  const take = (): Batch | undefined => {
    const batch = gathering;
    gathering = undefined;
    return batch;
  };
  const settle = (batch: Batch | undefined): void => {
    if (!batch) return;
    pending -= batch.lines.length;
    if (failure === undefined) batch.durable.resolve();
    else batch.durable.reject(unavailable(failure));
  };
  const commit = async (): Promise<void> => {
    for (let batch = take(); batch; batch = take()) {
      try {
        await file.append(Buffer.from(batch.lines.join(''), 'utf8'));
      } catch (error) {
        failure = error ?? new Error('the write failed');
      }
      settle(batch);
      if (failure === undefined) continue;
      settle(take());
      onFailure(failure);
      return;
    }
    committing = undefined;
  };

  return {
    get pending() {
      return pending;
    },
    get failure() {
      return failure;
    },
    append(line) {
      if (failure !== undefined) return Promise.reject(unavailable(failure));
      gathering ??= { lines: [], durable: Promise.withResolvers<void>() };
      const { lines, durable } = gathering;
      lines.push(`${line}\n`);
      pending++;
      committing ??= Promise.resolve().then(commit);
      return durable.promise;
    },
    async close() {
      await committing;
      await file.close();
    },
  };
}

function unavailable(cause: unknown): TallystickError {
  return new TallystickError('record_unavailable', 'the record could not be made durable', { cause });
}
