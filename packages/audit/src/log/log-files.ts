/**
 * The files of a log outside its journal, and the folders of all logs: the calls whose durability matters, one by one,
 * so that tests can stand for the disk. Paths are relative to one folder, with `/`; '' is that folder itself.
 *
 * A name that was made, renamed or removed is durable only after `syncFolder` of its folder. Every method rejects with
 * what the system call says; a caller never repeats one that failed.
 */
export interface LogFiles {
  /**
   * Returns the content of a file; undefined where there is none.
   *
   * @param scratch Memory that may be read into, and that the content is then a view of.
   */
  read(path: string, scratch?: Buffer): Promise<Buffer | undefined>;
  /** Returns the names in a folder, in no order; none where it is not there. */
  list(path: string): Promise<string[]>;
  /** Returns the bytes of all files below a folder. It takes a system call for each: seconds for millions of records. */
  usage(path: string): Promise<number>;
  /** Makes a folder, which may exist. Its parent must. */
  makeFolder(path: string): Promise<void>;
  /**
   * Writes files anew, in the place of those of their names, and resolves when their contents are durable; their names
   * are not. All are open at the same time.
   */
  write(files: readonly FileContent[]): Promise<void>;
  /** Gives a file a second name; false where that exists. */
  link(from: string, to: string): Promise<boolean>;
  /** Gives a file another name, in the place of one that has it. */
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Removes a folder, which must be empty. */
  removeFolder(path: string): Promise<void>;
  syncFolder(path: string): Promise<void>;
  /** What the file system says of itself: its magic number (`statfs(2)`) and its size, in bytes. */
  statfs(): Promise<FileSystemFacts>;
}

export interface FileContent {
  readonly path: string;
  readonly content: Uint8Array;
}

export interface FileSystemFacts {
  readonly type: number;
  readonly totalBytes: number;
  /** What an ordinary user may still write. */
  readonly freeBytes: number;
}
