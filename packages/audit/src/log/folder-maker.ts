import type { LogFiles } from './log-files.ts';

/**
 * Makes the folders that files need, and knows which folders have names that are not durable yet.
 *
 * A folder that is there already may have been made by a process that was killed before it was durable: so its name is
 * made durable once in every life, whoever made it. One call at a time.
 */
export class FolderMaker {
  readonly #files: LogFiles;
  readonly #made = new Set<string>(['']);
  readonly #unsynced = new Set<string>();

  constructor(files: LogFiles) {
    this.#files = files;
  }

  /** Makes the folder of a path and all above it, and marks it as about to get a name. */
  async prepare(path: string): Promise<void> {
    const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (!this.#made.has(folder)) {
      await this.prepare(folder);
      await this.#files.makeFolder(folder);
      this.#made.add(folder);
    }
    this.#unsynced.add(folder);
  }

  /** Makes all names durable that were announced, those of folders too. */
  async sync(): Promise<void> {
    const folders = [...this.#unsynced];
    this.#unsynced.clear();
    for (const folder of folders) await this.#files.syncFolder(folder);
  }

  /** Forgets a folder that was removed. */
  forget(folder: string): void {
    this.#made.delete(folder);
    this.#unsynced.delete(folder);
  }
}
