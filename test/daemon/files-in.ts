import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** A file, as it was when it was read. */
export interface File {
  /** Path below the folder that was read. */
  readonly name: string;
  readonly content: Buffer;
}

/** Returns the files of a folder, as deep as they are. Where one goes while they are read, all are read anew. */
export function filesIn(folder: string): File[] {
  for (;;) {
    try {
      return readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .map((path) => ({ name: relative(folder, path), content: readFileSync(path) }));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}
