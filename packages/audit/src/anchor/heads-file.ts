import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A file that is only ever appended to, but for a head at its end that was cut off. One user at a time. */
export interface HeadsFile {
  /** Returns how many bytes it has. */
  size(): Promise<number>;
  /** Returns the bytes from an offset to the end. */
  read(from: number): Promise<Buffer>;
  /** Appends, and resolves when that is durable. What was appended when it rejects is not known. */
  append(bytes: Uint8Array): Promise<void>;
  /** Cuts the file off at an offset, durably. */
  cut(size: number): Promise<void>;
  close(): Promise<void>;
}

const { O_APPEND, O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, O_RDWR } = constants;

/** Opens the file of a path, or makes it: readable by its group, as the log is. */
export async function openHeadsFile(path: string): Promise<HeadsFile> {
  const file = await open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0o640);
  try {
    const folder = await open(dirname(path), O_RDONLY | O_DIRECTORY);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  return {
    size: async () => (await file.stat()).size,
    async read(from) {
      const bytes = Buffer.alloc((await file.stat()).size - from);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
      return bytes.subarray(0, bytesRead);
    },
    async append(bytes) {
      await file.appendFile(bytes);
      await file.datasync();
    },
    async cut(size) {
      await file.truncate(size);
      await file.sync();
    },
    close: () => file.close(),
  };
}
