import { open, type FileHandle } from 'node:fs/promises';
import { TallystickError } from '@tallystick/core';

/** The durable calls of a line file, so that tests can fail them. */
export interface DurableFile {
  write(bytes: Uint8Array): Promise<void>;
  /** Returns when what was written is on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a new file for appending, mode 0600, and makes its name durable. It must not exist. */
export async function createDurableFile(path: string, folder: string): Promise<DurableFile> {
  const file = await open(path, 'ax', 0o600);
  await syncFolder(folder);
  return {
    write: async (bytes) => {
      for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
    },
    sync: () => file.datasync(),
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

/** Appends lines, many under one sync. */
export interface LineFile {
  /** Resolves when the line is on the disk. Lines are written in the order of the calls. */
  append(line: string): Promise<void>;
  readonly pending: number;
  /** The failure after which nothing is written any more; undefined while all is well. */
  readonly failure: unknown;
  close(): Promise<void>;
}

/**
 * Returns a line file over `file` with group commit: while one batch is being synced the next one gathers.
 *
 * A write or sync that fails is never tried again: the kernel may have dropped the pages, and a later sync would
 * claim what is not so. From then on every append is refused, and `onFailure` has been told.
 */
export function createLineFile(file: DurableFile, onFailure: (error: unknown) => void): LineFile {
  let lines: string[] = [];
  let waiting: PromiseWithResolvers<void> | undefined;
  let committing = false;
  let written: Promise<void> = Promise.resolve();
  let pending = 0;
  let failure: unknown;

  const commit = async (): Promise<void> => {
    while (waiting && failure === undefined) {
      const batch = waiting;
      const text = lines.join('');
      const size = lines.length;
      waiting = undefined;
      lines = [];
      try {
        await file.write(Buffer.from(text, 'utf8'));
        await file.sync();
        batch.resolve();
      } catch (error) {
        failure = error ?? new Error('the write failed');
        batch.reject(unavailable(error));
        onFailure(error);
      }
      pending -= size;
    }
    committing = false;
    if (waiting) {
      waiting.reject(unavailable(failure));
      pending -= lines.length;
      waiting = undefined;
      lines = [];
    }
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
      waiting ??= Promise.withResolvers<void>();
      const { promise } = waiting;
      lines.push(`${line}\n`);
      pending++;
      if (!committing) {
        committing = true;
        // One turn of the loop, so that requests that arrived together share a sync.
        written = Promise.resolve().then(commit);
      }
      return promise;
    },
    async close() {
      await written;
      await file.close();
    },
  };
}

function unavailable(cause: unknown): TallystickError {
  return new TallystickError('record_unavailable', 'the record could not be made durable', { cause });
}
