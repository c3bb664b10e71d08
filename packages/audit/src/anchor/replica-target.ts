/**
 * A place outside the machine where copies are kept. Paths are relative to it, with `/`. What was put there never
 * changes: an object store does it with `If-None-Match: *` and a retention, a folder with `link(2)`.
 */
export interface ReplicaTarget {
  /**
   * Stores an object durably, unless one of that path is there, which stays as it is; returns false then. An object
   * appears whole or not at all.
   */
  putIfAbsent(path: string, content: Uint8Array): Promise<boolean>;
  /** Returns an object; undefined where there is none. */
  get(path: string): Promise<Uint8Array | undefined>;
  /** Returns the paths of all objects below a folder, in no order. */
  list(folder: string): Promise<string[]>;
}
