import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from './sync-folder.ts';

/**
 * Replaces a file. When this resolves the new content is durable; when it rejects, or the machine stops, there is a whole
 * one: the old, or the new.
 *
 * @param content A text, or its parts one after the other.
 * @throws What the disk says.
 */
export async function replaceFile(path: string, content: string | Iterable<string>, mode: number): Promise<void> {
  const temporary = `${path}.new`;
  try {
    // What a crash left has the mode it was given then.
    await rm(temporary, { force: true });
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    // What was begun may hold keys, and takes space that a full disk does not have.
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}
